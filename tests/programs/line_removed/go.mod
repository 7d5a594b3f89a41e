module removed

go 1.27
