use super::*;
use crate::data::tables::tests::{column, table};

fn found(name: &str, columns: &str) -> Option<Finding> {
    let columns = columns.split_whitespace().map(column).collect();
    let table = Table { columns, ..table(name) };
    find(&[&table], &["kept_*".to_owned()], None).remove(0)
}

#[test]
fn queues_of_frameworks_are_known_in_any_spelling() {
    for (name, columns) in [
        ("oban_jobs", "id state queue worker args scheduled_at"),
        ("good_jobs", "id queue_name serialized_params scheduled_at finished_at"),
        ("solid_queue_ready_executions", "id job_id queue_name created_at"),
        ("delayed_jobs", "id handler run_at attempts locked_by"),
        ("que_jobs", "priority run_at job_class args"),
        ("queue_classic_jobs", "id q_name method args locked_at"),
        ("river_job", "id args kind state queue"),
        ("procrastinate_jobs", "id queue_name task_name args status"),
        ("job", "id name priority data state retrylimit"),
        ("_private_jobs", "id payload run_at attempts locked_by task_id"),
        ("django_q_schedule", "id func next_run"),
        ("apscheduler_jobs", "id next_run_time job_state"),
        ("jobs", "id queue payload attempts reserved_at available_at created_at"),
        ("my_messages", "id body headers queue_name created_at available_at delivered_at"),
        ("QRTZ_SIMPLE_TRIGGERS", "SCHED_NAME TRIGGER_NAME TRIGGER_GROUP REPEAT_COUNT"),
        ("jobqueue", "id jobid queue fetchedat"),
        ("scheduled_tasks", "task_name task_instance execution_time picked"),
        ("app_jobrunr_jobs", "id version jobAsJson state"),
        ("wp_actionscheduler_actions", "action_id hook status scheduled_date_gmt"),
        ("q_mails", "msg_id read_ct enqueued_at vt message"),
        ("sidekiq_jobs", "id klass args"),
        ("action_mailbox_inbound_emails", "id status message_id message_checksum"),
        ("Hash", "Id Key Field Value ExpireAt"),
    ] {
        assert!(matches!(found(name, columns), Some(Finding::Acts(because)) if because.contains('(')), "{name}");
    }
}

#[test]
fn what_is_a_setting_too_is_switched_off() {
    for (name, columns, puts) in [
        ("django_celery_beat_periodictask", "id name task enabled", vec![(3, Some("false"), false)]),
        ("workflow_entity", "id active nodes connections", vec![(1, Some("false"), false)]),
        (
            "workflow_entity",
            "active nodes connections activeVersionId",
            vec![(0, Some("false"), false), (3, None, false)],
        ),
        ("wp_2_options", "option_id option_name option_value", vec![(2, Some("a:1:{s:7:\"version\";i:2;}"), true)]),
        ("mail_mail", "id state email_to auto_delete", vec![(1, Some("cancel"), true)]),
    ] {
        let Some(Finding::Switches(_, found)) = found(name, columns) else { panic!("{name}") };
        let told: Vec<_> = found.iter().map(|put| (put.column, put.value.as_deref(), put.when.is_some())).collect();
        assert_eq!(told, puts, "{name}");
    }
}

#[test]
fn queues_that_no_list_has_are_told_by_their_shape() {
    for (name, columns) in [
        ("scheduled_messages", "id campaign send_at sent_at"),
        ("outbox", "id aggregate created_at processed_at"),
        ("OutboxEvents", "Id Type Payload Status"),
        ("email_queue", "id to subject body status"),
        ("mail_spool", "id recipient body attempts"),
        ("webhook_deliveries", "id url payload attempts status"),
        ("push_notifications", "id user_id body send_at sent"),
        ("reminders", "id user_id remind_at sent_at"),
        ("work_units", "id payload status locked_by locked_at attempts"),
        ("warteschlange", "id inhalt gesendet"),
    ] {
        assert!(
            matches!(found(name, columns), Some(Finding::Acts(because)) if because.contains("looks like")),
            "{name}"
        );
    }
    for (name, columns) in [
        ("campaigns", "id title send_at status"),
        ("scheduled_flights", "id state"),
        ("emails", "id sent_at status body"),
    ] {
        assert!(matches!(found(name, columns), Some(Finding::Left(_))), "{name}");
    }
}

#[test]
fn business_is_left_alone() {
    for (name, columns) in [
        ("jobs", "id title company_id status published_at salary"),
        ("tasks", "id title status due_at assignee"),
        ("messages", "id chat_id body created_at read_at"),
        ("events", "id name starts_at ends_at venue"),
        ("notifications", "id type data read_at created_at"),
        ("orders", "id status total sent_at delivered_at"),
        ("users", "id email failed_attempts locked_at"),
        ("posts", "id title body status published_at"),
        ("queue_settings", "id name paused"),
        ("schedule", "id day opens closes"),
        ("options", "id name value"),
        ("state", "id name"),
        ("set", "id name"),
        ("failed_jobs", "id connection queue payload exception failed_at"),
        ("sms", "id"),
    ] {
        assert_eq!(found(name, columns), None, "{name}");
    }
    assert!(
        matches!(found("kept_queue", "id payload status"), Some(Finding::Left(because)) if because.starts_with("kept"))
    );
}

#[test]
fn logs_and_sessions_stay_behind_where_people_are_masked() {
    let masking = Masking::new(crate::masking::Key::random());
    let found = |name: &str, columns: &[&str]| {
        let columns = columns.iter().map(|name| crate::data::tables::tests::column(name)).collect();
        let table = Table { columns, ..crate::data::tables::tests::table(name) };
        assert!(!matches!(find(&[&table], &[], None).remove(0), Some(Finding::Acts(_))), "{name}");
        matches!(find(&[&table], &[], Some(&masking)).remove(0), Some(Finding::Acts(_)))
    };
    for (name, columns) in [
        ("django_session", ["session_key", "session_data", "expire_date"]),
        ("ahoy_visits", ["visit_token", "ip", "user_agent"]),
        ("personal_access_tokens", ["tokenable_id", "token", "abilities"]),
        ("loginAttempts", ["id", "username", "at"]),
        ("shop_404", ["url", "referrer", "hits"]),
        ("django_admin_log", ["object_repr", "action_flag", "change_message"]),
        ("password_reset_tokens", ["email", "token", "created_at"]),
    ] {
        assert!(found(name, &columns), "{name}");
    }
    for (name, columns) in [
        ("conference_sessions", ["title", "starts_at", "room"]),
        ("design_tokens", ["name", "value", "theme"]),
        ("catalogs", ["name", "path", "level"]),
        ("blog", ["title", "url", "message"]),
    ] {
        assert!(!found(name, &columns), "{name}");
    }
}
