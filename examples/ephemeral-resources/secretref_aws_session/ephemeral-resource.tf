# In CI the identity token of the job is the proof: no AWS key is stored anywhere. The session policy leaves
# the job one right of all that the role has.
ephemeral "secretref_aws_session" "publish" {
  ref          = "aws-sts://arn:aws:iam::123456789012:role/deploy"
  web_identity = true
  session_name = "publish"
  duration     = "15m"
  applying     = terraform.applying

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "arn:aws:s3:::acme-releases/*"
    }]
  })
}

resource "terraform_data" "publish" {
  provisioner "local-exec" {
    command = "aws s3 cp dist.zip s3://acme-releases/"
    environment = {
      AWS_ACCESS_KEY_ID     = ephemeral.secretref_aws_session.publish.access_key_id
      AWS_SECRET_ACCESS_KEY = ephemeral.secretref_aws_session.publish.secret_access_key
      AWS_SESSION_TOKEN     = ephemeral.secretref_aws_session.publish.session_token
    }
  }
}
