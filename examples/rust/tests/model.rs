//! Tests with the model of names that MODEL names.

use chargen::{EndReason, Model, Session};

fn model() -> Model {
    Model::load(std::env::var_os("MODEL").expect("MODEL")).expect("a model")
}

#[test]
fn all_ways_give_the_same_text() {
    let model = model();
    let mut session = Session::new(&model).unwrap();
    session.set_seed(5).unwrap();
    let mut other = session.try_clone().unwrap();
    drop(model);
    for _ in 0..20 {
        let text: String = session.by_ref().collect();
        assert_eq!(session.end_reason(), EndReason::Document);
        assert_eq!(other.generate(usize::MAX).unwrap(), text);
    }
}

#[test]
fn snapshots_go_on() {
    let model = model();
    let mut session = Session::new(&model).unwrap();
    session.feed("Al").unwrap();
    let snapshot = session.snapshot().unwrap();
    let mut restored = Session::restore(&model, &snapshot).unwrap();
    assert_eq!(restored.generate(50).unwrap(), session.generate(50).unwrap());
    assert_eq!(Session::restore(&model, &snapshot[1..]).err().unwrap().status, 12);
}

#[test]
fn errors_have_a_status_and_a_message() {
    let error = Model::load("no/such/file").err().unwrap();
    assert_eq!(error.status, 3);
    assert!(error.to_string().contains("No such file"));
    assert_eq!(Model::from_bytes(b"").err().unwrap().status, 4);
    let mut session = Session::new(&model()).unwrap();
    assert!(session.set_temperature(f32::NAN).is_err());
    assert_eq!(session.feed("\u{10FFFF}").err().unwrap().status, 7);
}

#[test]
fn text_stops_and_is_scored() {
    let model = model();
    let mut session = Session::new(&model).unwrap();
    assert!((session.probabilities().unwrap().iter().sum::<f32>() - 1.0).abs() < 1e-3);
    session.set_stop_strings(&["a", "e", "o"]).unwrap();
    for _ in 0..20 {
        assert!(!session.generate(100).unwrap().contains(['a', 'e', 'o']));
    }
    session.reset().unwrap();
    let (score, count) = session.score("Alford").unwrap();
    assert!(score < 0.0 && count == 6);
}

#[test]
fn threads_share_a_model() {
    let model = model();
    let expected = Session::new(&model).unwrap().generate(500).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(Session::new(&model).unwrap().generate(500).unwrap(), expected));
        }
    });
}
