# What the prompt asks for, in the words of Rego v0.
package partner_uploads.asked

default all_is_there = false

resources = input.planned_values.root_module.resources

configured = input.configuration.root_module.resources

bucket_is_versioned {
    resources[i].type == "aws_s3_bucket_versioning"
    resources[i].values.versioning_configuration[_].status == "Enabled"
}

files_are_deleted_after_400_days {
    resources[i].type == "aws_s3_bucket_lifecycle_configuration"
    resources[i].values.rule[j].status == "Enabled"
    resources[i].values.rule[j].expiration[_].days == 400
}

csv_files_are_announced {
    resources[i].type == "aws_s3_bucket_notification"
    queue := resources[i].values.queue[_]
    queue.filter_suffix == ".csv"
    startswith(queue.events[_], "s3:ObjectCreated:")
}

dead_letters_are_kept_for_14_days {
    resources[i].type == "aws_sqs_queue"
    resources[i].values.message_retention_seconds == 1209600
}

dead_letters_raise_an_alarm {
    configured[i].type == "aws_cloudwatch_metric_alarm"
    startswith(configured[i].expressions.alarm_actions.references[_], "aws_sns_topic.")
    resources[j].type == "aws_cloudwatch_metric_alarm"
    resources[j].values.metric_name == "ApproximateNumberOfMessagesVisible"
}

all_is_there {
    bucket_is_versioned
    files_are_deleted_after_400_days
    csv_files_are_announced
    dead_letters_are_kept_for_14_days
    dead_letters_raise_an_alarm
}
