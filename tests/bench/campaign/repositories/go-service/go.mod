module example.org/acme-service

go 1.23
