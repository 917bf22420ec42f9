//! What people do in a call beside talking.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::Result;
use common::{at_home, sees_screen};

#[test]
fn a_screen_is_shown_beside_the_camera_until_it_is_stopped() -> Result<()> {
    let (server, pair) = at_home("screen")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    // The second time as the first: nothing is left over.
    for _ in 0..2 {
        pair.alice.press("Share screen")?;
        sees_screen(&pair.bob, true)?;
        pair.bob.sees_moving_pictures()?;
        pair.alice.press("Stop sharing")?;
        sees_screen(&pair.bob, false)?;
    }
    // Both at a time, and one page loaded again: what it showed is over, the other's is shown again.
    pair.alice.press("Share screen")?;
    pair.bob.press("Share screen")?;
    sees_screen(&pair.alice, true)?;
    pair.alice.browser().reload()?;
    sees_screen(&pair.bob, false)?;
    sees_screen(&pair.alice, true)?;
    pair.part()
}
