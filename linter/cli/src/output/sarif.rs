//! SARIF 2.1.0 (OASIS), shaped for code scanning: stable rule ids, paths relative to where the run
//! started, a fingerprint of our own, suppressions, related locations, and the way a value took as a
//! code flow. Within GitHub's limits; what does not fit is said in a notification. Only rules that
//! reported are described, which keeps uploads small.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use secretlint_core::fix::{Applicability, Edit, Fix as Repair};
use secretlint_core::report::{Location as Place, ReportedFinding};
use secretlint_core::{Confidence, Family, Report, RuleMeta, Severity};
use serde_sarif::sarif::{
    ArtifactChange, ArtifactContent, ArtifactLocation, CodeFlow, Fix, Invocation, Location,
    LogicalLocation, Message, MultiformatMessageString, Notification, PhysicalLocation,
    PropertyBag, Region, Replacement, ReportingConfiguration, ReportingDescriptor,
    Result as SarifResult, ResultLevel, Run, Sarif, Suppression, ThreadFlow, ThreadFlowLocation,
    Tool, ToolComponent,
};

use secretlint_engine::project::rule_page;

use super::{Surroundings, uri};

/// Where the schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Name of our fingerprint among `partialFingerprints`; the suffix is its recipe's version.
const FINGERPRINT: &str = "secretlint/v1";

/// GitHub refuses runs with more results.
const MAX_RESULTS: usize = 25_000;

/// GitHub refuses results with more locations.
const MAX_RELATED: usize = 1_000;

pub(super) fn write(
    report: &Report,
    around: &Surroundings<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &log(report, around.rules))?;
    writeln!(out)
}

fn log(report: &Report, rules: &[&RuleMeta]) -> Sarif {
    let results = kept(report);
    let reported: BTreeSet<&str> = results.iter().map(|finding| &*finding.rule).collect();
    let rules: Vec<&RuleMeta> = rules
        .iter()
        .copied()
        .filter(|rule| reported.contains(&*rule.id))
        .collect();
    let indices: BTreeMap<&str, i64> = (0..)
        .zip(&rules)
        .map(|(index, rule)| (&*rule.id, index))
        .collect();
    let driver = ToolComponent::builder()
        .name(env!("CARGO_PKG_NAME"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .information_uri(env!("CARGO_PKG_REPOSITORY"))
        .rules(
            rules
                .iter()
                .map(|rule| descriptor(rule))
                .collect::<Vec<_>>(),
        )
        .build();
    let results: Vec<_> = results
        .into_iter()
        .map(|finding| {
            let family = indices
                .get(&*finding.rule)
                .map(|&index| rules[index as usize].family);
            let mut built = result(finding, &indices, family);
            built.fixes = fixes(finding, &report.paths);
            built
        })
        .collect();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .column_kind("unicodeCodePoints")
        .invocations(vec![invocation(report)])
        .results(results)
        .build();
    Sarif::builder()
        .schema(SCHEMA)
        .version(serde_json::json!("2.1.0"))
        .runs(vec![run])
        .build()
}

/// The findings that fit, worst first when they do not all fit, in the report's order.
fn kept(report: &Report) -> Vec<&ReportedFinding> {
    let mut all: Vec<_> = report.findings.iter().chain(&report.suppressed).collect();
    if all.len() > MAX_RESULTS {
        let mut ranked: Vec<_> = (0..all.len()).collect();
        ranked.sort_by_key(|&index| {
            let finding = all[index];
            let suppressed = finding.suppression.is_some();
            (suppressed, std::cmp::Reverse(finding.severity), index)
        });
        ranked.truncate(MAX_RESULTS);
        ranked.sort_unstable();
        all = ranked.into_iter().map(|index| all[index]).collect();
    }
    all
}

/// What could not be linted is a notification, so that an incomplete run is visible.
fn invocation(report: &Report) -> Invocation {
    let mut notifications: Vec<_> = report
        .unreadable
        .iter()
        .map(|file| {
            Notification::builder()
                .level(serde_json::json!("warning"))
                .message(message(&format!("not linted: {}", file.reason)))
                .locations(vec![
                    Location::builder()
                        .physical_location(
                            PhysicalLocation::builder()
                                .artifact_location(artifact(&file.path))
                                .build(),
                        )
                        .build(),
                ])
                .build()
        })
        .collect();
    let total = report.findings.len() + report.suppressed.len();
    if total > MAX_RESULTS {
        let text = format!(
            "{} further findings are left out: a run holds {MAX_RESULTS}",
            total - MAX_RESULTS
        );
        let left_out = Notification::builder()
            .level(serde_json::json!("warning"))
            .message(message(&text));
        notifications.push(left_out.build());
    }
    Invocation::builder()
        .execution_successful(report.unreadable.is_empty())
        .tool_execution_notifications(notifications)
        .build()
}

fn descriptor(rule: &RuleMeta) -> ReportingDescriptor {
    let mut properties = BTreeMap::new();
    properties.insert(
        "precision".into(),
        serde_json::json!(precision(rule.confidence)),
    );
    properties.insert(
        "security-severity".into(),
        serde_json::json!(score(rule.severity)),
    );
    properties.insert(
        "problem.severity".into(),
        serde_json::json!(problem(rule.severity)),
    );
    ReportingDescriptor::builder()
        .id(rule.id.to_string())
        .short_description(text(&rule.summary))
        .full_description(text(&rule.why))
        .help_uri(rule_page(&rule.id))
        .help(
            MultiformatMessageString::builder()
                .text(rule.docs.to_string())
                .markdown(rule.docs.to_string())
                .build(),
        )
        .default_configuration(
            ReportingConfiguration::builder()
                .level(serde_json::json!(problem_level(rule.severity)))
                .build(),
        )
        .properties(
            PropertyBag::builder()
                .tags(vec!["security".into(), rule.family.name().into()])
                .additional_properties(properties)
                .build(),
        )
        .build()
}

fn result(
    finding: &ReportedFinding,
    indices: &BTreeMap<&str, i64>,
    family: Option<Family>,
) -> SarifResult {
    let related: Vec<_> = finding
        .related
        .iter()
        .take(MAX_RELATED)
        .map(|related| {
            let mut location = location(&related.location, None);
            location.message = Some(message(&related.message));
            location
        })
        .collect();
    let suppressions: Vec<_> = finding
        .suppression
        .iter()
        .map(|suppression| {
            let kind = if suppression.kind == "comment" {
                "inSource"
            } else {
                "external"
            };
            let mut built = Suppression::builder().kind(serde_json::json!(kind)).build();
            built.justification.clone_from(&suppression.reason);
            built
        })
        .collect();
    let mut built = SarifResult::builder()
        .rule_id(finding.rule.as_ref())
        .level(level(finding.severity))
        .message(message(&format!(
            "{}. {} {}",
            finding.message, finding.why, finding.help
        )))
        .locations(vec![location(&finding.location, Some(&finding.address))])
        .partial_fingerprints(BTreeMap::from([(
            FINGERPRINT.to_owned(),
            finding.fingerprint.clone(),
        )]))
        .build();
    built.rule_index = indices.get(finding.rule.as_ref()).copied();
    if family == Some(Family::Flow) && !related.is_empty() {
        built.code_flows = Some(vec![way(&related, &finding.location)]);
    }
    built.related_locations = (!related.is_empty()).then_some(related);
    built.suppressions = Some(suppressions);
    built.properties = finding.commit.as_ref().map(|commit| {
        let about = serde_json::json!({
            "id": commit.id, "author": commit.author, "time": commit.time,
        });
        PropertyBag::builder()
            .additional_properties(BTreeMap::from([("commit".to_owned(), about)]))
            .build()
    });
    built
}

/// The repairs that can be applied as they are, best first.
fn fixes(finding: &ReportedFinding, paths: &[String]) -> Option<Vec<Fix>> {
    let applicable = |fix: &&Repair| fix.applicability > Applicability::DisplayOnly;
    let fixes: Vec<_> = finding
        .fixes
        .iter()
        .filter(applicable)
        .map(|fix| {
            let changes = fix
                .edits
                .chunk_by(|one, other| one.place.file == other.place.file);
            let changes = changes.filter_map(|edits| {
                let path = paths.get(edits.first()?.place.file.0 as usize)?;
                let replacements: Vec<_> = edits.iter().map(replacement).collect();
                let change = ArtifactChange::builder().artifact_location(artifact(path));
                Some(change.replacements(replacements).build())
            });
            Fix::builder()
                .description(message(&fix.title))
                .artifact_changes(changes.collect::<Vec<_>>())
                .build()
        })
        .collect();
    (!fixes.is_empty()).then_some(fixes)
}

fn replacement(edit: &Edit) -> Replacement {
    let place = edit.place;
    let region = Region::builder()
        .byte_offset(i64::from(place.start))
        .byte_length(i64::from(place.end - place.start));
    Replacement::builder()
        .deleted_region(region.build())
        .inserted_content(ArtifactContent::builder().text(&edit.text).build())
        .build()
}

/// The steps a value took, ending where it is reported.
fn way(steps: &[Location], end: &Place) -> CodeFlow {
    let end = location(end, None);
    let step = |location: &Location| {
        let builder = ThreadFlowLocation::builder();
        builder.location(location.clone()).build()
    };
    let steps: Vec<_> = steps.iter().chain([&end]).map(step).collect();
    CodeFlow::builder()
        .thread_flows(vec![ThreadFlow::builder().locations(steps).build()])
        .build()
}

fn location(place: &Place, address: Option<&str>) -> Location {
    let region = Region::builder()
        .start_line(i64::from(place.start.line))
        .start_column(i64::from(place.start.column))
        .end_line(i64::from(place.end.line))
        .end_column(i64::from(place.end.column))
        .byte_offset(i64::from(place.span.0))
        .byte_length(i64::from(place.span.1 - place.span.0))
        .snippet(ArtifactContent::builder().text(highlighted(place)).build())
        .build();
    let mut built = Location::builder()
        .physical_location(
            PhysicalLocation::builder()
                .artifact_location(artifact(&place.path))
                .region(region)
                .build(),
        )
        .build();
    built.logical_locations = address
        .filter(|address| !address.is_empty())
        .map(|address| {
            vec![
                LogicalLocation::builder()
                    .fully_qualified_name(address)
                    .build(),
            ]
        });
    built
}

/// The masked text of the place itself.
fn highlighted(place: &Place) -> &str {
    let (start, end) = place.excerpt.highlight;
    place.excerpt.text.get(start..end).unwrap_or_default()
}

fn artifact(path: &str) -> ArtifactLocation {
    ArtifactLocation::builder().uri(uri(path)).build()
}

fn message(text: &str) -> Message {
    Message::builder().text(text).build()
}

fn text(text: &str) -> MultiformatMessageString {
    MultiformatMessageString::builder().text(text).build()
}

fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Note => ResultLevel::Note,
    }
}

fn problem_level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// GitHub calls a note a recommendation.
fn problem(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "recommendation",
        other => problem_level(other),
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

/// GitHub maps 9.0 and above to critical, 7.0 to high, 4.0 to medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "8.0",
        Severity::Warning => "5.0",
        Severity::Note => "2.0",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    /// The published schema, as the SARIF crate ships it.
    fn schema() -> serde_json::Value {
        let metadata = cargo_metadata::MetadataCommand::new().exec().unwrap();
        let package = metadata
            .packages
            .iter()
            .find(|p| p.name.as_str() == "serde-sarif")
            .unwrap();
        let path = package
            .manifest_path
            .parent()
            .unwrap()
            .join("src/schema.json");
        let text = std::fs::read_to_string(path).unwrap();
        // One pattern of the published text has an unescaped bracket, which strict engines refuse.
        let text = text.replace("[a-zA-Z]{2}]?$", r"[a-zA-Z]{2}\\]?$");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_log_is_valid_against_the_published_schema() {
        let log = serde_json::from_str(&render(Format::Sarif, false)).unwrap();
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        // The schema itself tells valid from invalid.
        assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })));
    }

    #[test]
    fn flows_lead_through_every_step_to_the_finding() {
        let report = super::super::tests::report();
        let finding = super::result(
            &report.findings[0],
            &std::collections::BTreeMap::new(),
            Some(secretlint_core::Family::Flow),
        );
        let flow = serde_json::to_value(&finding.code_flows).unwrap();
        let steps = flow[0]["threadFlows"][0]["locations"].as_array().unwrap();
        let path = |step: &serde_json::Value| {
            let physical = &step["location"]["physicalLocation"];
            physical["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let paths: Vec<_> = steps.iter().map(path).collect();
        assert_eq!(paths, ["live/dev/main.tf", "live/prod%20env/main.tf"]);
    }

    #[test]
    fn a_run_holds_no_more_results_than_github_takes() {
        let mut report = super::super::tests::report();
        let one = report.findings[0].clone();
        report.findings = vec![one; super::MAX_RESULTS + 5];
        report.findings[0].severity = secretlint_core::Severity::Note;
        let kept = super::kept(&report);
        assert_eq!(kept.len(), super::MAX_RESULTS);
        let is_note = |finding: &&&secretlint_core::report::ReportedFinding| {
            finding.severity == secretlint_core::Severity::Note
        };
        assert_eq!(kept.iter().filter(is_note).count(), 0);
    }

    #[test]
    fn results_point_at_relative_paths_and_carry_our_fingerprint() {
        let log: serde_json::Value = serde_json::from_str(&render(Format::Sarif, false)).unwrap();
        let result = &log["runs"][0]["results"][0];
        let physical = &result["locations"][0]["physicalLocation"];
        assert_eq!(
            physical["artifactLocation"]["uri"],
            "live/prod%20env/main.tf"
        );
        assert_eq!(physical["region"]["startLine"], 12);
        assert_eq!(
            result["partialFingerprints"]["secretlint/v1"],
            "0123456789abcdef0123456789abcdef"
        );
        assert_eq!(result["ruleIndex"], 0);
        let change = &result["fixes"][0]["artifactChanges"][0];
        assert_eq!(change["artifactLocation"]["uri"], "live/prod%20env/main.tf");
        let replacement = &change["replacements"][0];
        assert_eq!(replacement["deletedRegion"]["byteOffset"], 31);
        assert_eq!(replacement["insertedContent"]["text"], "var.password");
        assert_eq!(
            log["runs"][0]["results"][1]["suppressions"][0]["kind"],
            "inSource"
        );
        assert_eq!(
            log["runs"][0]["results"][0]["suppressions"]
                .as_array()
                .unwrap()
                .len(),
            0
        );
    }
}
