//! What was used, by environment and service. Railway counts what is deleted still, and knows nothing yet of what is minutes old.

use super::node::{Arguments, Field, Node};
use crate::model::{Answer, Model};
use serde_json::Value;

/// One object for each measurement that was asked for and each tag by which it is grouped, zero ones left out.
pub(crate) fn aggregated(model: &Model, arguments: &Arguments) -> Answer<Vec<Node>> {
    let project = arguments.id("projectId")?;
    model.project(project)?;
    let named = |argument: &str| -> Vec<String> {
        let all = arguments.0[argument].as_array().into_iter().flatten();
        all.filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let (measurements, tags) = (named("measurements"), named("groupBy"));
    let groups = |tag: &str| tags.iter().any(|one| one == tag);
    let mut sums: Vec<(Value, Value, String, f64)> = Vec::new();
    for used in
        model.usage.used.iter().filter(|used| used.project == project && measurements.contains(&used.measurement))
    {
        let environment =
            if groups("ENVIRONMENT_ID") { Value::from(used.environment.to_string()) } else { Value::Null };
        // What a volume holds is no service's.
        let service = used.service.filter(|_| groups("SERVICE_ID")).map_or(Value::Null, |id| id.to_string().into());
        let known = sums.iter_mut().find(|(e, s, m, _)| *e == environment && *s == service && *m == used.measurement);
        match known {
            Some((_, _, _, sum)) => *sum += used.value,
            None => sums.push((environment, service, used.measurement.clone(), used.value)),
        }
    }
    let node = |(environment, service, measurement, value): (Value, Value, String, f64)| {
        Node::new("AggregatedUsage").leaf("measurement", measurement).leaf("value", value).with("tags", move |_| {
            let tags = Node::new("MetricTags").leaf("environmentId", &environment).leaf("serviceId", &service);
            Ok(Field::Object(Some(tags)))
        })
    };
    Ok(sums.into_iter().map(node).collect())
}
