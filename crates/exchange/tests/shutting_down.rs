//! The end of the server.
#![allow(missing_docs)]

mod support;

use exchange::Shutdown;
use protocol::close::CloseCode;
use serde_json::json;
use support::*;

#[test]
fn for_good_ends_the_calls_and_says_so() {
    let mut pair = Pair::up();
    let silent = pair.board.open();
    pair.board.shut_down(Shutdown::Stop);
    let stopped = vec![json!("server_stopped")];
    assert_eq!(pair.ended(), (stopped.clone(), stopped));
    for person in [&mut pair.ada, &mut pair.ben] {
        let go_away = person.take(&mut pair.board, "go_away").remove(0);
        assert_eq!(go_away["action"], "stop");
        assert_closed(&pair.board, person.socket, CloseCode::GoingAway);
    }
    assert_closed(&pair.board, silent, CloseCode::GoingAway);
    assert_eq!(pair.board.exchange().live_calls(), 0);
}

#[test]
fn to_come_back_ends_no_call() {
    let mut pair = Pair::up();
    pair.board.shut_down(Shutdown::Restart);
    for person in [&mut pair.ada, &mut pair.ben] {
        let go_away = person.take(&mut pair.board, "go_away").remove(0);
        assert_eq!(go_away["action"], "rejoin");
        assert!(person.take(&mut pair.board, "call_ended").is_empty());
        assert_closed(&pair.board, person.socket, CloseCode::GoingAway);
    }
}
