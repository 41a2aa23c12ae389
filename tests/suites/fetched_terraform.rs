//! The Terraform that is fetched where none is on `PATH` is a real one.

use e2e::Terraform;

#[test]
fn it_runs_and_is_new_enough_for_write_only_arguments() {
    let terraform = Terraform::fetch("1.15.5").unwrap();
    assert!(
        terraform.description.starts_with("Terraform v1.15."),
        "{}",
        terraform.description
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("main.tf"),
        "resource \"terraform_data\" \"x\" {\n  input = \"arrived\"\n}\n",
    )
    .unwrap();
    for arguments in [&["init"][..], &["apply", "-auto-approve", "-no-color"]] {
        let output = terraform
            .command(arguments)
            .current_dir(folder.path())
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let state = std::fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap();
    assert!(state.contains("arrived"));
}
