data "secretref_whoami" "run" {}

check "runs_from_the_main_branch" {
  assert {
    condition     = lookup(data.secretref_whoami.run.claims, "ref", "") == "main"
    error_message = "This run has the identity of another branch than main."
  }
}
