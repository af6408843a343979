use super::super::line::read;
use super::super::origins::Rates;
use super::*;

const ME: [u8; 16] = [1; 16];

fn log(capacity: usize) -> Log {
    Log::new(capacity, [(ME, "team-a".to_owned())])
}

fn hit(log: &Log, at_ms: u64) -> Event {
    Event {
        at_ms,
        origin: log.origins.number("openai", "gpt-4o-mini"),
        tenant: log.tenant(&ME),
        tool: "codex",
        layer: "l1a",
        tokens: Tokens { input: 10, output: 4, ..Tokens::default() },
        latency_us: 1500,
        status: 200,
        deflected: true,
        requests: 1,
    }
}

#[test]
fn an_event_is_a_line_with_all_members_in_order() {
    let log = log(10);
    log.origins.price(
        "openai",
        "gpt-4o-mini",
        Rates { input: 0.000_001, output: 0.000_002, ..Rates::default() },
    );
    log.push(hit(&log, 1_795_273_690_007));
    let asked = Event { layer: "l3", deflected: false, tenant: log.label(""), ..hit(&log, 0) };
    log.push(Event { tokens: Tokens { estimated: true, ..asked.tokens }, status: 502, ..asked });
    let text = String::from_utf8(log.drain(usize::MAX)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        concat!(
            r#"{"timestamp":"2026-11-21T15:08:10.007Z","provider":"openai","model":"gpt-4o-mini","prompt_tokens":10,"#,
            r#""completion_tokens":4,"total_tokens":14,"cached_tokens":0,"cache_write_tokens":0,"reasoning_tokens":0,"#,
            r#""estimated":false,"estimated_cost_usd":0,"estimated_saved_cost_usd":0.000018,"final_layer":"l1a","#,
            r#""deflected":true,"tenant":"team-a","tool":"codex","status":200,"latency_ms":1.500}"#
        )
    );
    let second = read(lines[1].as_bytes()).unwrap();
    assert_eq!((second.cost, second.saved, second.estimated, second.status), (0.000_018, 0.0, true, 502));
    assert_eq!((lines.len(), log.pending()), (2, 0));
}

#[test]
fn a_model_may_have_any_name() {
    let log = log(10);
    let name = "a\"b\\c\nd\u{2028}é";
    log.push(Event { origin: log.origins.number("custom", name), ..hit(&log, 0) });
    let lines = log.drain(usize::MAX);
    assert_eq!(read(lines.trim_ascii_end()).unwrap().model, name);
}

#[test]
fn what_finds_no_room_is_counted() {
    let log = log(3);
    for _ in 0..5 {
        log.push(hit(&log, 0));
    }
    assert_eq!((log.pending(), log.counts()), (3, (5, 2)));
}

#[test]
fn hits_share_a_line_only_where_there_are_very_many_and_no_token_is_lost() {
    for count in [MERGED_FROM - 1, MERGED_FROM + 1] {
        let log = log(100_000);
        for number in 0..count {
            let event = hit(&log, number as u64);
            // Every tenth asks a provider, and those never share.
            let is_asked = number % 10 == 0;
            log.push(Event { deflected: !is_asked, layer: if is_asked { "l3" } else { "l1a" }, ..event });
        }
        let lines = log.drain(usize::MAX);
        let read: Vec<_> = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| read(line).unwrap())
            .collect();
        let asked = count.div_ceil(10);
        assert_eq!(read.len(), if count < MERGED_FROM { count } else { asked + 1 });
        assert_eq!(read.iter().map(|line| line.requests).sum::<u64>(), count as u64);
        assert_eq!(read.iter().map(|line| line.input).sum::<u64>(), 10 * count as u64);
        assert!(read.iter().all(|line| (line.latency_ms - 1.5).abs() < 1e-9));
    }
}

#[test]
fn a_batch_may_be_taken_in_pieces() {
    let log = log(100);
    for number in 0..10 {
        log.push(hit(&log, number));
    }
    let mut count = 0;
    while log.pending() > 0 {
        let piece = log.drain(600);
        count += piece.split_inclusive(|byte| *byte == b'\n').count();
    }
    assert_eq!((count, log.counts()), (10, (10, 0)));
}

#[test]
fn a_wait_ends_with_a_full_batch() {
    let log = log(2 * BATCH);
    assert!(!log.wait(Duration::ZERO));
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| log.wait(Duration::from_secs(60)));
        for number in 0..BATCH {
            log.push(hit(&log, number as u64));
        }
        assert!(waits.join().unwrap());
    });
}
