//! Task output: every line once and in order, whatever is sent twice or late.
use crate::world::{TenantFixture, World, lease, on_both, receipt, sealed};
use domain::{
    Actor,
    log::{Line, Stream},
    receipt::{End, Receipt},
    task::TaskState,
};
use std::time::Duration;
use store::{Assignment, Error, Result};

async fn running(world: &World, fixture: &TenantFixture) -> Assignment {
    world.submit(&fixture.mia, sealed(fixture.ops)).await;
    let taken = world.claim(&fixture.rex).await.unwrap();
    world.start(&fixture.rex, lease(&taken)).await;
    taken
}

/// Sends lines `first..=last`; each contains its number.
async fn send(world: &World, runner: &Actor, taken: &Assignment, first: i64, last: i64) -> Result<i64> {
    let line = |number| Line::new(world.now(), Stream::Stdout, format!("line {number}"));
    let lines: Vec<_> = (first..=last).map(line).collect();
    world.change(runner, async |write| write.append_lines(lease(taken), first, &lines).await).await
}

async fn read(world: &World, taken: &Assignment, from: i64) -> Vec<(i64, String)> {
    let mut read = world.store.read(&world.acme.mia).await.unwrap();
    let page = read.log(taken.lease.task, taken.lease.attempt, from).await.unwrap();
    page.lines.into_iter().map(|(number, line)| (number, line.text)).collect()
}

fn numbered(numbers: std::ops::RangeInclusive<i64>) -> Vec<(i64, String)> {
    numbers.map(|number| (number, format!("line {number}"))).collect()
}

on_both! {
    async fn output_is_returned_in_order_from_any_line(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        assert_eq!(send(world, &acme.rex, &taken, 1, 3).await.unwrap(), 4);
        assert_eq!(send(world, &acme.rex, &taken, 4, 4).await.unwrap(), 5);
        assert_eq!(send(world, &acme.rex, &taken, 5, 9).await.unwrap(), 10);
        for from in 1..=9 {
            assert_eq!(read(world, &taken, from).await, numbered(from..=9));
        }
        assert!(read(world, &taken, 10).await.is_empty());
        let mut mine = world.store.read(&acme.mia).await.unwrap();
        assert_eq!(mine.log(taken.lease.task, 1, 10).await.unwrap().next_line, 10);
        assert!(mine.log(taken.lease.task, 2, 1).await.unwrap().lines.is_empty(), "of this start only");
    }

    async fn a_long_output_is_read_in_several_pages(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        for batch in 0..100 {
            send(world, &acme.rex, &taken, batch * 3 + 1, batch * 3 + 3).await.unwrap();
        }
        let (mut from, mut seen) = (1, vec![]);
        loop {
            let page = read(world, &taken, from).await;
            let Some((last, _)) = page.last() else { break };
            from = last + 1;
            seen.extend(page);
        }
        assert_eq!(seen, numbered(1..=300));
    }

    /// BC-04: incomplete lines are shown until they are complete, at most one per stream, and only while the task runs.
    async fn case_bc04_incomplete_lines_are_shown_until_they_are_complete(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let line = |stream, text: &str| Line::new(world.now(), stream, text);
        let show = async |lines: &[Line]| {
            world.change(&acme.rex, async |write| write.show_incomplete_lines(lease(&taken), lines).await).await
        };
        let shown = async || {
            let progress = world.store.read(&acme.mia).await.unwrap().progress(taken.lease.task).await.unwrap();
            progress.read_incomplete_lines().into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        show(&[line(Stream::Stdout, "Connecting ... "), line(Stream::Stderr, "50 %")]).await.unwrap();
        assert_eq!(shown().await, ["Connecting ... ", "50 %"]);
        send(world, &acme.rex, &taken, 1, 1).await.unwrap();
        assert!(shown().await.is_empty());
        assert_eq!(read(world, &taken, 1).await, numbered(1..=1));

        let long = "x".repeat(domain::log::MAX_INCOMPLETE + 1);
        for refused in [
            vec![line(Stream::Runner, "I")],
            vec![line(Stream::Stdout, &long)],
            vec![line(Stream::Stdout, "a"), line(Stream::Stderr, "b"), line(Stream::Stdout, "c")],
        ] {
            assert!(matches!(show(&refused).await, Err(Error::Invalid(_))));
        }
        show(&[line(Stream::Stdout, "$ ")]).await.unwrap();
        let ended = receipt(&acme.rex, &taken, End::Exited(0), "line 1\n");
        world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &ended, vec![1]).await).await.unwrap();
        assert!(shown().await.is_empty());
    }

    /// BC-05: the digest of a line in parts is that of what was printed, and a text across two parts is found.
    async fn case_bc05_a_line_in_parts_is_one_line(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let part = |text: &str, continued| Line { continued, ..Line::new(world.now(), Stream::Stdout, text) };
        let lines = [part("the be", false), part("ginning, a mid", true), part("dle", true), part("dle next", false)];
        world.change(&acme.rex, async |write| write.append_lines(lease(&taken), 1, &lines).await).await.unwrap();
        let found = async |text: &str| {
            let mut read = world.store.read(&acme.mia).await.unwrap();
            read.find_in_log(taken.lease.task, taken.lease.attempt, text, 10).await.unwrap().lines
        };
        assert_eq!(found("BEGINNING").await, [2]);
        assert_eq!(found("middle").await, [3]);
        assert_eq!(found("be").await, [1], "a text in the part before is found once");
        assert_eq!(found("dledle").await, [0_i64; 0], "lines are apart");
        let text = "the beginning, a middle\ndle next\n";
        let ended = receipt(&acme.rex, &taken, End::Exited(0), text);
        let ended = Receipt { output_lines: 4, ..ended };
        world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &ended, vec![1]).await).await.unwrap();
    }

    /// BC-01: a page that begins in the middle knows the styles in which its lines begin, and an attempt begins without any.
    async fn case_bc01_styles_last_from_batch_to_batch(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let texts = ["\u{1b}[31mred", "two", "three\u{1b}[0m", "four", "\u{1b}[1mfive", "six"];
        let lines = texts.map(|text| Line::new(world.now(), Stream::Stdout, text));
        for (first, range) in [(1, 0..1), (2, 1..4), (5, 4..6)] {
            world.change(&acme.rex, async |write| write.append_lines(lease(&taken), first, &lines[range.clone()]).await).await.unwrap();
        }
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let classes = ["ansi-fg-1", "ansi-fg-1", "ansi-fg-1", "", "ansi-bold", "ansi-bold"];
        for from in 1..=6_i64 {
            let mut page = read.log(taken.lease.task, 1, from).await.unwrap();
            let shown: Vec<_> = page.lines.iter().map(|(_, line)| page.styles.spans(line.stream, &line.text).remove(0).class).collect();
            assert_eq!(shown, classes[usize::try_from(from).unwrap() - 1..], "from line {from}");
        }
        drop(read);
        world.wait(store::LEASE);
        world.store.system().run_due_work().await.unwrap();
        let again = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, lease(&again)).await;
        send(world, &acme.rex, &again, 1, 1).await.unwrap();
        let mut read = world.store.read(&acme.mia).await.unwrap();
        assert_eq!(read.log(taken.lease.task, 2, 1).await.unwrap().styles, domain::ansi::Styles::default());
    }

    async fn lines_sent_before_are_skipped(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        send(world, &acme.rex, &taken, 1, 3).await.unwrap();
        assert_eq!(send(world, &acme.rex, &taken, 1, 3).await.unwrap(), 4, "the whole batch");
        assert_eq!(send(world, &acme.rex, &taken, 2, 5).await.unwrap(), 6, "and a part of one");
        assert_eq!(send(world, &acme.rex, &taken, 1, 0).await.unwrap(), 6, "and an empty one");
        assert_eq!(read(world, &taken, 1).await, numbered(1..=5));
    }

    async fn a_gap_in_line_numbers_is_rejected(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        send(world, &acme.rex, &taken, 1, 3).await.unwrap();
        for first in [5, 100, i64::MAX - 2] {
            let result = send(world, &acme.rex, &taken, first, first + 1).await;
            assert!(matches!(result, Err(Error::Conflict(_))), "{first}: {result:?}");
        }
        for first in [0, -1, i64::MIN] {
            let result = send(world, &acme.rex, &taken, first, first + 1).await;
            assert!(matches!(result, Err(Error::Invalid(_))), "{first}: {result:?}");
        }
        assert_eq!(read(world, &taken, 1).await, numbered(1..=3));
    }

    async fn a_receipt_with_missing_lines_keeps_the_task_open(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        send(world, &acme.rex, &taken, 1, 2).await.unwrap();
        for output_lines in [0, 1, 3] {
            let receipt = Receipt { output_lines, ..receipt(&acme.rex, &taken, End::Exited(0), "line 1\nline 2\n") };
            let result = world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &receipt, vec![]).await).await;
            assert!(matches!(result, Err(Error::Conflict(_))), "{output_lines}: {result:?}");
        }
        assert_eq!(world.state(acme, taken.lease.task).await, TaskState::Running);
        send(world, &acme.rex, &taken, 3, 3).await.unwrap();
        let receipt = receipt(&acme.rex, &taken, End::Exited(0), "line 1\nline 2\nline 3\n");
        world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &receipt, vec![]).await).await.unwrap();
        let late = send(world, &acme.rex, &taken, 4, 4).await;
        assert!(matches!(late, Err(Error::NotFound)), "no output is accepted after the end");
    }

    /// S-14: the digest is compared with all of the stored output, over several reads.
    async fn s_14_a_receipt_with_another_digest_or_size_is_refused(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let mut output = String::new();
        for batch in 0..70 {
            send(world, &acme.rex, &taken, batch + 1, batch + 1).await.unwrap();
            output += &format!("line {}\n", batch + 1);
        }
        let right = receipt(&acme.rex, &taken, End::Exited(0), &output);
        let other = domain::request::OutputDigest::of(output.replace("line 70", "line 07").as_bytes());
        for (wrong, why) in [
            (Receipt { output: other, ..right.clone() }, "digest"),
            (Receipt { output_bytes: right.output_bytes + 1, ..right.clone() }, "bytes"),
            (Receipt { output_bytes: 0, ..right.clone() }, "too few"),
            (Receipt { output_lines: u64::MAX, ..right.clone() }, "lines of output"),
            (Receipt { end: End::Exited(256), ..right.clone() }, "exit status 256"),
            (Receipt { ended_at: domain::Timestamp(i64::MAX), ..right.clone() }, "future"),
        ] {
            let result = world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &wrong, vec![]).await).await;
            assert!(matches!(&result, Err(Error::Invalid(invalid)) if invalid.reason.contains(why)), "{why}: {result:?}");
        }
        assert_eq!(world.state(acme, taken.lease.task).await, TaskState::Running);
        world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &right, vec![]).await).await.unwrap();
    }

    async fn each_attempt_has_its_own_output(world) {
        let acme = &world.acme;
        let first = running(world, acme).await;
        send(world, &acme.rex, &first, 1, 3).await.unwrap();
        world.wait(Duration::from_secs(31));
        world.store.system().run_due_work().await.unwrap();
        let second = world.claim(&acme.rex).await.unwrap();
        assert!(read(world, &second, 1).await.is_empty());
        assert_eq!(send(world, &acme.rex, &second, 1, 1).await.unwrap(), 2);
        assert_eq!(read(world, &second, 1).await, numbered(1..=1));
        assert_eq!(read(world, &first, 1).await, numbered(1..=3), "and the earlier one stays");
    }

    async fn output_is_returned_byte_for_byte(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let nasty = ["\0", "\u{1b}]0;title\u{7}", "<script>alert(1)</script>", "\u{202e}", "'; drop table task; --", "💥", "\u{fffd}", ""];
        let lines: Vec<_> = nasty.iter().map(|text| Line::new(world.now(), Stream::Stderr, *text)).collect();
        world.change(&acme.rex, async |write| write.append_lines(lease(&taken), 1, &lines).await).await.unwrap();
        let page = world.store.read(&acme.mia).await.unwrap().log(taken.lease.task, 1, 1).await.unwrap();
        assert_eq!(page.lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>(), lines);
    }

    async fn any_range_is_read_regardless_of_batch_size(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        for line in 1..=150 {
            send(world, &acme.rex, &taken, line, line).await.unwrap();
        }
        send(world, &acme.rex, &taken, 151, 400).await.unwrap();
        let mut mine = world.store.read(&acme.mia).await.unwrap();
        for (from, until, count) in [(1, 101, 100), (90, 200, 110), (151, 152, 1), (300, 900, 101), (401, 500, 0), (9, 9, 0)] {
            let page = mine.log_between(taken.lease.task, 1, from, until).await.unwrap();
            let numbers: Vec<_> = page.lines.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, (from..from + count).collect::<Vec<_>>(), "{from} to {until}");
        }
    }

    async fn a_text_search_covers_all_visible_output(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let texts = ["one ERROR", "\u{1b}[31mer\u{1b}[0mror in red", "fine", "Übung", "error 100%"];
        let lines: Vec<_> = (0..300).map(|n| Line::new(world.now(), Stream::Stdout, texts[n % 5])).collect();
        for (at, some) in lines.chunks(3).enumerate() {
            let first = i64::try_from(at).unwrap() * 3 + 1;
            world.change(&acme.rex, async |write| write.append_lines(lease(&taken), first, some).await).await.unwrap();
        }
        let mut mine = world.store.read(&acme.mia).await.unwrap();
        let id = taken.lease.task;
        let found = mine.find_in_log(id, 1, "Error", 4).await.unwrap();
        assert_eq!((found.total, found.lines), (180, vec![1, 2, 5, 6]));
        assert_eq!(mine.find_in_log(id, 1, "übung", 999).await.unwrap().lines.last(), Some(&299));
        assert_eq!(mine.find_in_log(id, 1, "[31m", 9).await.unwrap().total, 0, "what is not seen is not found");
        assert_eq!(mine.find_in_log(id, 1, "0%", 9).await.unwrap().total, 60, "no character is special");
        assert_eq!(mine.find_in_log(id, 2, "error", 9).await.unwrap().total, 0, "of this start only");
        let stranger = world.store.read(&acme.sam).await.unwrap().find_in_log(id, 1, "error", 9).await;
        assert!(matches!(stranger, Err(Error::NotFound)));
    }

    async fn a_05_output_is_visible_to_the_viewers_of_its_task(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        send(world, &acme.rex, &taken, 1, 1).await.unwrap();
        for stranger in [&acme.sam, &acme.vera, &acme.olga, &world.bolt.adam] {
            let result = world.store.read(stranger).await.unwrap().log(taken.lease.task, 1, 1).await;
            assert!(matches!(result, Err(Error::NotFound)), "{}", stranger.name);
        }
        assert_eq!(world.store.read(&acme.audrey).await.unwrap().log(taken.lease.task, 1, 1).await.unwrap().lines.len(), 1);
    }
}
