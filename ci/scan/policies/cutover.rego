# What a template of this pipeline must keep to, beyond what CloudFormation takes. Each `deny` names the rule, its
# severity, what is wrong, and the resource by its logical ID.
package cutover

# No bucket is public: all four blocks are on, and no ACL or policy lets everybody in.
blocks := {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}

deny contains row("bucket-not-blocked", "high", message, name) if {
	some name, resource in input.Resources
	resource.Type == "AWS::S3::Bucket"
	some block in blocks
	not is_on(resource, block)
	message := "the bucket can be made public: PublicAccessBlockConfiguration does not set all four to true"
}

deny contains row("bucket-public", "critical", message, name) if {
	some name, resource in input.Resources
	resource.Type == "AWS::S3::Bucket"
	acl := resource.Properties.AccessControl
	acl in {"PublicRead", "PublicReadWrite"}
	message := sprintf("the bucket is public: AccessControl is %s", [acl])
}

is_on(resource, block) if {
	value := resource.Properties.PublicAccessBlockConfiguration[block]
	value in {true, "true"}
}

# What costs money or holds data says whose it is.
tagged := {
	"AWS::EC2::VPC",
	"AWS::ECR::Repository",
	"AWS::ECS::Cluster",
	"AWS::ECS::Service",
	"AWS::ElasticLoadBalancingV2::LoadBalancer",
	"AWS::IAM::Role",
	"AWS::RDS::DBInstance",
	"AWS::S3::Bucket",
}

deny contains row("untagged", "medium", "the resource has no Tags", name) if {
	some name, resource in input.Resources
	resource.Type in tagged
	not has_tags(resource)
}

has_tags(resource) if count(resource.Properties.Tags) > 0

# What holds data is encrypted, and so is what is sent there.
encrypted := {
	"AWS::EFS::FileSystem": "Encrypted",
	"AWS::RDS::DBInstance": "StorageEncrypted",
	"AWS::RDS::DBCluster": "StorageEncrypted",
	"AWS::EC2::Volume": "Encrypted",
	"AWS::ECR::Repository": "EncryptionConfiguration",
	"AWS::S3::Bucket": "BucketEncryption",
	"AWS::SNS::Topic": "KmsMasterKeyId",
	"AWS::Logs::LogGroup": "KmsKeyId",
}

deny contains row("unencrypted", "medium", message, name) if {
	some name, resource in input.Resources
	key := encrypted[resource.Type]
	not is_encrypted(resource, key)
	message := sprintf("the resource is not encrypted by what the template says: it has no %s", [key])
}

is_encrypted(resource, key) if {
	value := resource.Properties[key]
	not value in {false, "false"}
}

# No policy allows every action, of all services or of one. A key's own policy must let its account administer it.
deny contains row("wildcard-action", "high", message, name) if {
	some name, resource in input.Resources
	some statement in statements(resource)
	statement.Effect == "Allow"
	some action in listed(statement.Action)
	endswith(action, "*")
	is_all(action)
	message := sprintf("a policy allows %s", [action])
}

is_all("*")

is_all(action) if endswith(action, ":*")

statements(resource) := found if {
	documents := [document |
		some path in ["PolicyDocument", "KeyPolicy", "RepositoryPolicyText"]
		document := resource.Properties[path]
	]
	inline := [policy.PolicyDocument | some policy in resource.Properties.Policies]
	found := [statement |
		some document in array.concat(documents, inline)
		some statement in listed(document.Statement)
		resource.Type != "AWS::KMS::Key"
	]
}

listed(value) := value if is_array(value)

listed(value) := [value] if not is_array(value)

# A task runs an image by digest, or one that a parameter names (the deployer gives it by digest).
deny contains row("image-not-by-digest", "high", message, name) if {
	some name, resource in input.Resources
	resource.Type == "AWS::ECS::TaskDefinition"
	some container in resource.Properties.ContainerDefinitions
	is_string(container.Image)
	not contains(container.Image, "@sha256:")
	message := sprintf("the image %s is not named by digest", [container.Image])
}

row(rule, severity, message, name) := {
	"rule": rule,
	"severity": severity,
	"message": message,
	"resource": name,
}
