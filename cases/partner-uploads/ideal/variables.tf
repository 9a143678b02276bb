variable "environment" {
  description = "What the name of everything ends in"
  type        = string
  default     = "dev"
}

variable "region" {
  description = "Where everything lives"
  type        = string
  default     = "us-east-1"
}

locals {
  prefix     = "partner-uploads"
  account_id = data.aws_caller_identity.current.account_id
}
