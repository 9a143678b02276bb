terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }

  backend "s3" {
    bucket = "platform-terraform-state"
    key    = "partner-uploads/terraform.tfstate"
    region = "us-east-1"
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Service     = "partner-uploads"
      Environment = var.environment
    }
  }
}

data "aws_caller_identity" "current" {}
