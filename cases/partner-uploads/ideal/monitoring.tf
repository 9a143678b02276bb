resource "aws_sns_topic" "alarms" {
  name              = "${local.prefix}-alarms-${var.environment}"
  kms_master_key_id = aws_kms_key.uploads.id
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${local.prefix}-dead-letters-${var.environment}"
  alarm_description   = "A file could not be worked on five times"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  alarm_actions       = [aws_sns_topic.alarms.arn]

  dimensions = {
    QueueName = aws_sqs_queue.dead_letters.name
  }
}
