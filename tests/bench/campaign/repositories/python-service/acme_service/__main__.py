print("acme-service")
