//! A store that does not do what it should.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::super::writer::{Group, Keep};
use super::super::{Error, Store};

/// What happens to one group.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is not stored, and that is said.
    Fails,
    /// It is stored, and the answer is lost.
    LosesTheAnswer,
    /// It is stored after this time.
    Slow(Duration),
    /// It is stored when somebody adds a permit.
    Held(Arc<Semaphore>),
}

/// A store with faults in front of it; without any left, it works.
#[derive(Clone, Debug)]
pub struct Faulty {
    store: Store,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    /// The records of each group that was tried.
    pub tried: Arc<Mutex<Vec<usize>>>,
}

impl Faulty {
    pub fn new(store: Store, faults: impl IntoIterator<Item = Fault>) -> Faulty {
        Faulty {
            store,
            faults: Arc::new(Mutex::new(faults.into_iter().collect())),
            tried: Arc::default(),
        }
    }
}

impl Keep for Faulty {
    async fn keep(&self, group: &Group) -> Result<(), Error> {
        self.tried.lock().unwrap().push(group.entries.len());
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            None => self.store.keep(group).await,
            Some(Fault::Fails) => Err(Error::Value("as the test wants it".to_owned())),
            Some(Fault::LosesTheAnswer) => {
                self.store.keep(group).await?;
                Err(Error::Value("as the test wants it".to_owned()))
            }
            Some(Fault::Slow(span)) => {
                sleep(span).await;
                self.store.keep(group).await
            }
            Some(Fault::Held(gate)) => {
                gate.acquire().await.unwrap().forget();
                self.store.keep(group).await
            }
        }
    }
}
