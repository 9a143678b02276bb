resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.prefix}-dead-letters-${var.environment}"
  kms_master_key_id         = aws_kms_key.uploads.id
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "uploads" {
  name                       = "${local.prefix}-${var.environment}"
  kms_master_key_id          = aws_kms_key.uploads.id
  visibility_timeout_seconds = 300

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

data "aws_iam_policy_document" "queue" {
  statement {
    sid       = "Announcements"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.uploads.arn]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_s3_bucket.uploads.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_sqs_queue_policy" "uploads" {
  queue_url = aws_sqs_queue.uploads.id
  policy    = data.aws_iam_policy_document.queue.json
}
