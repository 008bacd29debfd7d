module "acme-service" {
  source = "../../modules/service"
  name   = "acme-service"
}
