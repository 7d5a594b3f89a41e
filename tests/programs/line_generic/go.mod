module generic

go 1.27
