# What the prompt rules out, in the words of Rego v1.
package partner_uploads.limits

import rego.v1

public_access contains name if {
	some resource in input.planned_values.root_module.resources
	resource.type == "aws_s3_bucket_public_access_block"
	some name in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]
	resource.values[name] != true
}

deny contains message if {
	some name in public_access
	message := sprintf("the bucket is not closed to the public: %s is off", [name])
}

deny contains message if {
	some resource in input.planned_values.root_module.resources
	resource.type == "aws_kms_key"
	resource.values.enable_key_rotation != true
	message := sprintf("%s does not rotate", [resource.address])
}
