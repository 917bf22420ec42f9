//! What is not one's own: calls, rings, people, and names one does not have.

use serde_json::{Value, json};

use crate::account_support::*;
use crate::speech::*;
use crate::web_support::frames::{invite, join};
use crate::web_support::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ones_own_looks_as_if_it_were_not_there() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let cid = member(&server, &mut ada, "cid");
    let mut dan = member(&server, &mut ada, "dan");
    let (ada_id, ben_id, dan_id) = (
        id(&server, &mut ada),
        id(&server, &mut ben),
        id(&server, &mut dan),
    );
    let block = format!("/api/v1/blocks/{ada_id}");
    dan.good(&server, "PUT", &block, json!({}));
    let mut caller = connect(&server, &ada, 1).await;
    let mut stranger = connect(&server, &cid, 2).await;
    let mut guest = connect(&server, &Browser::new(), 3).await;
    let mut blocker = connect(&server, &dan, 4).await;
    let (call, id) = (fresh('C'), fresh('R'));
    let (hidden_call, hidden) = (fresh('C'), fresh('R'));
    good(&mut caller, join(ROOM, &call), "joined").await;
    good(&mut caller, invite(&id, &call, &ben_id), "ok").await;
    good(&mut caller, join(&fresh('O'), &hidden_call), "joined").await;
    good(&mut caller, invite(&hidden, &hidden_call, &dan_id), "ok").await;

    for client in [&mut stranger, &mut guest, &mut blocker] {
        let foreign = about_call(&call, &ben_id);
        let absent = about_call(&fresh('C'), &ben_id);
        for (foreign, absent) in foreign.into_iter().zip(absent) {
            let what = foreign.to_string();
            let (foreign, absent) = (client.ask(foreign).await, client.ask(absent).await);
            assert_eq!(foreign["t"], "error", "{what}");
            assert_eq!(bare(foreign), bare(absent), "{what}");
        }
        let hangup = json!({ "t": "hangup", "call": call });
        good(client, hangup, "ok").await;
        for ring in [&id, &hidden] {
            for (foreign, absent) in about_ring(ring).into_iter().zip(about_ring(&fresh('R'))) {
                let what = foreign.to_string();
                let (foreign, absent) = (client.ask(foreign).await, client.ask(absent).await);
                assert_eq!(foreign["code"], "not_found", "{what}");
                assert_eq!(bare(foreign), bare(absent), "{what}");
            }
        }
        assert_eq!(types(&news(client).await), [""; 0]);
    }
    assert_eq!(
        types(&news(&mut caller).await),
        [""; 0],
        "nothing came of it"
    );
    good(&mut caller, about("cancel", &id), "ok").await;

    // The same by the API: Ada's things, tried by Ben.
    let made = json!({ "name": "bot", "scopes": ["calls"] });
    let token = ada.good(&server, "POST", "/api/v1/tokens", made)["id"].clone();
    let device = ada.me(&server)["this_device"].clone();
    let page = ada.good(&server, "GET", "/api/v1/history", Value::Null);
    let entry = page["entries"][0]["id"].clone();
    let nothing = json!(fresh('A'));
    for (path, own, absent) in [
        ("/api/v1/tokens", token, &nothing),
        ("/api/v1/me/devices", device, &nothing),
        ("/api/v1/history", entry, &json!("999999")),
    ] {
        let mut delete = |id: &Value| {
            let answer = ben.delete(&server, &format!("{path}/{}", id.as_str().unwrap()));
            (answer.status, answer.body)
        };
        assert_eq!(delete(&own), delete(absent), "{path}");
        assert_eq!(delete(&own).0, 404, "{path}");
    }
    let left = ada.good(&server, "GET", "/api/v1/history", Value::Null);
    assert_eq!(
        left["entries"].as_array().unwrap().len(),
        page["entries"].as_array().unwrap().len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_somebody_is_the_server_says() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let (ada_id, ben_id) = (id(&server, &mut ada), id(&server, &mut ben));
    let mut caller = connect(&server, &ada, 1).await;
    let mut eve = connect(&server, &Browser::new(), 2).await;
    let mut false_name = join(ROOM, CALL);
    false_name["name"] = "The bank".into();
    let adas = good(&mut caller, false_name, "joined").await["you"].clone();
    let mut as_ada = join(ROOM, CALL);
    for (field, value) in [
        ("name", json!("Ada")),
        ("user", json!(ada_id)),
        ("you", adas.clone()),
        ("from", adas.clone()),
        ("participant", adas.clone()),
        ("account", json!({ "user": ada_id, "name": "Ada" })),
    ] {
        as_ada[field] = value;
    }
    let joined = good(&mut eve, as_ada, "joined").await;
    assert_eq!(
        joined["participants"][0]["name"], "Ada",
        "not what she says"
    );
    assert_eq!(joined["participants"][0]["user"], ada_id.as_str());
    assert_ne!(joined["you"], adas);
    let seen = caller.until_type("participant").await;
    assert!(
        seen["participant"]["user"].is_null(),
        "a guest is nobody: {seen}"
    );
    assert_eq!(seen["participant"]["participant"], joined["you"]);
    let connection = &joined["connections"][0]["connection"];
    for mut frame in [
        json!({ "t": "chat", "call": CALL, "chat": fresh('M'), "body": "x" }),
        json!({ "t": "description", "call": CALL, "connection": connection, "generation": 0, "body": "x" }),
        json!({ "t": "candidates", "call": CALL, "connection": connection, "generation": 0,
            "candidates": ["x"], "end": true }),
    ] {
        frame["from"] = adas.clone();
        frame["name"] = "The bank".into();
        frame["at_ms"] = 1.into();
        frame["seq"] = 999.into();
        let t = frame["t"].as_str().unwrap().to_owned();
        good(&mut eve, frame, "ok").await;
        let got = caller.until_type(&t).await;
        assert_eq!(got["from"], joined["you"], "{got}");
        assert_ne!(got["name"], "The bank");
        assert_ne!(got["at_ms"], 1);
        assert_ne!(got["seq"], 999);
    }
    // Who rings is who has signed in.
    let mut phone = connect(&server, &ben, 3).await;
    let mut invite = invite(&fresh('R'), CALL, &ada_id);
    let call = fresh('C');
    good(&mut phone, join(&fresh('O'), &call), "joined").await;
    invite["call"] = call.into();
    invite["from"] = json!({ "user": ada_id, "name": "The bank", "contact": true });
    invite["caller"] = json!(ada_id);
    good(&mut phone, invite, "ok").await;
    let offer = caller.until_type("ring").await;
    let from = json!({ "user": ben_id, "name": "Ben", "contact": false });
    assert_eq!(offer["from"], from);
}
