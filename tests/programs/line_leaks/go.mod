module leaks

go 1.27
