module gort

go 1.26

ignore (
	./build
	./runtime
)
