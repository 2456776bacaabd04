//! What `validate` finds, each with how bad it is.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::bounds::Refusal;
use crate::error::{Failure, chain, failure, listed};

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Finding {
    pub severity: Severity,
    /// The service, field or variable it is about.
    pub subject: String,
    pub message: String,
}

/// How many of these lengths are within a sum.
fn fitting(lengths: impl Iterator<Item = usize>, most: usize) -> usize {
    let sums = lengths.scan(0, |sum: &mut usize, length| {
        *sum += length;
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= most).count()
}

impl Finding {
    /// That there are more than are listed.
    fn more(more: usize) -> Self {
        let message = format!("{more} more, which are not listed");
        Self { severity: Severity::Info, subject: "findings".to_owned(), message }
    }

    fn line(&self) -> String {
        format!("`{}`: {}", self.subject, self.message)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Info,
    Warning,
    Error,
}

/// Findings in the order in which they were made.
#[derive(Default)]
pub(in crate::steps) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn error(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Error, subject, message);
    }

    pub(super) fn warning(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Warning, subject, message);
    }

    pub(super) fn info(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Info, subject, message);
    }

    /// What failed, and what mends it.
    pub(super) fn failed(&mut self, subject: impl Into<String>, error: &anyhow::Error) {
        let hint = failure(error).and_then(|failure| failure.hint.as_deref());
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        self.error(subject, format!("{}{hint}", chain(error)));
    }

    /// What the policy does not grant.
    pub(super) fn refused(&mut self, refusals: Vec<Refusal>) {
        for refusal in refusals {
            self.error(refusal.field, refusal.message);
        }
    }

    fn add(&mut self, severity: Severity, subject: impl Into<String>, message: impl Into<String>) {
        let (subject, message) = (subject.into(), message.into());
        // Who refuses something names the field, too.
        let message = message.strip_prefix(&format!("`{subject}`: ")).map_or(message.clone(), str::to_owned);
        self.0.push(Finding { severity, subject, message });
    }

    /// All of them.
    pub(in crate::steps) fn all(&self) -> &[Finding] {
        &self.0
    }

    /// Whether one of them is a reason to stop.
    pub(in crate::steps) fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// The error that names every reason to stop.
    pub(in crate::steps) fn refusal(&self) -> anyhow::Error {
        let lines: Vec<_> = self.errors().map(Finding::line).collect();
        Failure::invalid(listed(&lines)).into()
    }

    /// The same in so many bytes, for whoever tells all of them elsewhere.
    pub(in crate::steps) fn refusal_within(&self, most_bytes: usize) -> anyhow::Error {
        let mut lines: Vec<_> = self.errors().map(Finding::line).collect();
        let fitting = fitting(lines.iter().map(String::len), most_bytes);
        if fitting < lines.len() {
            let more = format!("{} more, which are not listed", lines.len() - fitting);
            lines.truncate(fitting);
            lines.push(more);
        }
        Failure::invalid(listed(&lines)).into()
    }

    /// As `told`, in so many bytes: those that are worst first, then how many more there are.
    pub(in crate::steps) fn told_within(self, most_bytes: usize) -> Vec<Finding> {
        let mut all = self.told();
        all.sort_by_key(|finding| Reverse(finding.severity));
        let fitting = fitting(all.iter().map(|finding| finding.line().len()), most_bytes);
        if fitting < all.len() {
            let more = Finding::more(all.len() - fitting);
            all.truncate(fitting);
            all.push(more);
        }
        all
    }

    /// Tells those that are no reason to stop, and gives them away.
    pub(in crate::steps) fn told(self) -> Vec<Finding> {
        for finding in &self.0 {
            match finding.severity {
                Severity::Warning => tracing::warn!("{}: {}", finding.subject, finding.message),
                _ => tracing::info!("{}: {}", finding.subject, finding.message),
            }
        }
        self.0
    }

    fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|f| f.severity == Severity::Error)
    }
}
