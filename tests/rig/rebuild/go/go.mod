module example.invalid/server

go 1.22

require golang.org/x/text v0.7.0
