output "bucket_name" {
  description = "Where partners put their files"
  value       = aws_s3_bucket.uploads.bucket
}

output "queue_url" {
  description = "Where new files are announced"
  value       = aws_sqs_queue.uploads.url
}

output "worker_role_arn" {
  description = "What the worker's tasks run as"
  value       = aws_iam_role.worker.arn
}
