//! Labels and explanations of anomalies, with the figures that triggered them.
use domain::anomalies::{
    AnomalyDetails, AnomalyKind, GUESSING_THRESHOLD, MIN_HISTORY_HOURS, SPRAYING_THRESHOLD, TASK_VOLUME_FACTOR,
};

/// Returns the label of a kind of anomaly.
pub fn kind(kind: AnomalyKind) -> String {
    match kind {
        AnomalyKind::SignIn => t!("anomaly-sign-in"),
        AnomalyKind::Guessing => t!("anomaly-guessing"),
        AnomalyKind::Spraying => t!("anomaly-spraying"),
        AnomalyKind::KeyNetwork => t!("anomaly-key-network"),
        AnomalyKind::KeySilent => t!("anomaly-key-silent"),
        AnomalyKind::TaskVolume => t!("anomaly-task-volume"),
        AnomalyKind::TaskHour => t!("anomaly-task-hour"),
        AnomalyKind::RunnerSilent => t!("anomaly-runner-silent"),
    }
}

/// Explains why an anomaly was reported.
pub fn explanation(facts: &AnomalyDetails) -> String {
    match facts {
        AnomalyDetails::SignIn { new_device, new_network, half, .. } => {
            let new = match (new_device, new_network) {
                (true, true) => t!("anomaly-why-both"),
                (true, false) => t!("anomaly-why-device"),
                (false, _) => t!("anomaly-why-network"),
            };
            if *half { format!("{new} {}", t!("anomaly-why-half")) } else { new }
        }
        AnomalyDetails::Guessing { failures, networks } => {
            t!("anomaly-why-guessing", n = *failures, networks = *networks, many = GUESSING_THRESHOLD)
        }
        AnomalyDetails::Spraying { accounts, failures } => {
            t!("anomaly-why-spraying", n = *accounts, failures = *failures, many = SPRAYING_THRESHOLD)
        }
        AnomalyDetails::KeyNetwork { known } => t!("anomaly-why-key-network", n = *known),
        AnomalyDetails::KeySilent { days } => t!("anomaly-why-key-silent", n = *days),
        AnomalyDetails::TaskVolume { tasks, most, days } => {
            t!("anomaly-why-task-volume", n = *tasks, most = *most, days = *days, times = TASK_VOLUME_FACTOR)
        }
        AnomalyDetails::TaskHour { hour, active, days } => t!(
            "anomaly-why-task-hour",
            day = day(hour / 24),
            hour = format!("{:02}:00", hour % 24),
            n = *active,
            days = *days,
            least = MIN_HISTORY_HOURS / 24
        ),
        AnomalyDetails::RunnerSilent { seconds, .. } => t!("anomaly-why-runner-silent", n = *seconds),
    }
}

fn day(day: i64) -> String {
    match day {
        0 => t!("day-monday"),
        1 => t!("day-tuesday"),
        2 => t!("day-wednesday"),
        3 => t!("day-thursday"),
        4 => t!("day-friday"),
        5 => t!("day-saturday"),
        _ => t!("day-sunday"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_06_a_report_explains_itself_with_its_figures() {
        assert_eq!(
            explanation(&AnomalyDetails::TaskVolume { tasks: 210, most: 12, days: 30 }),
            "This API key submitted 210 tasks in an hour. Its previous maximum was 12 per hour, over 30 days with tasks. The \
             threshold is 3 times the maximum."
        );
        let night = explanation(&AnomalyDetails::TaskHour { hour: 5 * 24 + 3, active: 200, days: 39 });
        assert!(
            night.contains("Saturday at about 03:00 UTC")
                && night.contains("200 different hours")
                && night.contains("39 days"),
            "{night}"
        );
        let half = AnomalyDetails::SignIn { device: String::new(), new_device: true, new_network: true, half: true };
        assert!(explanation(&half).contains("second factor"), "{}", explanation(&half));
        assert!(explanation(&AnomalyDetails::Guessing { failures: 12, networks: 1 }).contains("12 failed"));
        assert!(explanation(&AnomalyDetails::Spraying { accounts: 9, failures: 9 }).contains("9 people"));
        assert!(explanation(&AnomalyDetails::KeySilent { days: 120 }).contains("120 days"));
        let silent = AnomalyDetails::RunnerSilent {
            runner: domain::RunnerId(uuid::Uuid::nil()),
            name: String::new(),
            seconds: 90,
        };
        assert!(explanation(&silent).contains("90 seconds"), "{}", explanation(&silent));
    }
}
