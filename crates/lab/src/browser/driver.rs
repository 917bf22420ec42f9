//! The WebDriver connection: a thread that entered the browser's host and serves requests there.

use std::{
    future::Future,
    path::Path,
    pin::Pin,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use thirtyfour::{By, ChromeCapabilities, WebDriver, error::WebDriverResult};
use tokio::runtime::Builder;

use super::remote::Remote;
use crate::Host;

/// Longer than any single command may take on a busy machine.
const COMMAND_PATIENCE: Duration = Duration::from_secs(90);

type Answer<T> = Pin<Box<dyn Future<Output = WebDriverResult<T>>>>;
type Job = Box<dyn FnOnce(WebDriver) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A WebDriver session whose connection is opened from inside a namespace.
pub(crate) struct Driver {
    jobs: Sender<Job>,
}

impl Driver {
    /// Opens a session with the chromedriver at `address` of `host`.
    pub(crate) fn connect(
        host: &Host,
        address: String,
        capabilities: ChromeCapabilities,
    ) -> Result<Self> {
        let (jobs, queue) = channel();
        let (ready, connected) = channel();
        let host = host.clone();
        thread::spawn(move || {
            let opened = open(&host, &address, capabilities);
            match opened {
                Ok((runtime, driver)) => {
                    ready.send(Ok(())).ok();
                    serve(&runtime, driver, queue);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
        connected
            .recv_timeout(COMMAND_PATIENCE)
            .map_err(|_| anyhow!("the browser did not start within {COMMAND_PATIENCE:?}"))??;
        Ok(Self { jobs })
    }

    /// Does something with the session and waits for it.
    fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(WebDriver) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = channel();
        let job: Job =
            Box::new(move |driver| Box::pin(async move { drop(answer.send(job(driver).await)) }));
        self.jobs
            .send(job)
            .map_err(|_| anyhow!("the browser's connection has ended"))?;
        answered
            .recv_timeout(COMMAND_PATIENCE)
            .map_err(|_| anyhow!("the browser did not answer within {COMMAND_PATIENCE:?}"))?
            .context("the browser refused")
    }
}

impl Remote for Driver {
    fn version(&self) -> Result<String> {
        let version = self.cdp("Browser.getVersion", json!({}))?;
        Ok(version["product"].as_str().unwrap_or("unknown").to_owned())
    }

    fn prepend(&self, script: &str) -> Result<()> {
        let parameters = json!({ "source": script });
        self.cdp("Page.addScriptToEvaluateOnNewDocument", parameters)
            .map(drop)
    }

    fn goto(&self, url: &str) -> Result<()> {
        let url = url.to_owned();
        self.call(move |d| Box::pin(async move { d.goto(url).await }))
    }

    fn reload(&self) -> Result<()> {
        self.call(|d| Box::pin(async move { d.refresh().await }))
    }

    fn tab(&self) -> Result<String> {
        self.call(|d| Box::pin(async move { Ok(d.window().await?.to_string()) }))
    }

    fn open_tab(&self) -> Result<String> {
        self.call(|d| Box::pin(async move { Ok(d.new_tab().await?.to_string()) }))
    }

    fn look_at(&self, tab: &str) -> Result<()> {
        let tab = tab.to_owned();
        self.call(move |d| Box::pin(async move { d.switch_to_window(tab.into()).await }))
    }

    fn script(&self, source: &str, arguments: Vec<Value>) -> Result<Value> {
        let source = source.to_owned();
        self.call(move |d| {
            Box::pin(async move { Ok(d.execute(source, arguments).await?.json().clone()) })
        })
    }

    fn click(&self, find: &str, arguments: Vec<Value>) -> Result<()> {
        let find = find.to_owned();
        self.call(move |d| {
            Box::pin(async move {
                let found = d.execute(find, arguments).await?;
                found.element()?.click().await
            })
        })
    }

    fn type_into(&self, find: &str, arguments: Vec<Value>, text: &str) -> Result<()> {
        let (find, text) = (find.to_owned(), text.to_owned());
        self.call(move |d| {
            Box::pin(async move {
                let field = d.execute(find, arguments).await?.element()?;
                field.clear().await?;
                field.send_keys(text).await
            })
        })
    }

    fn press_keys(&self, keys: &str) -> Result<()> {
        let keys = keys.to_owned();
        self.call(|d| Box::pin(async move { d.action_chain().send_keys(keys).perform().await }))
    }

    fn hold_key(&self, key: char, held: bool) -> Result<()> {
        self.call(move |d| {
            Box::pin(async move {
                let chain = d.action_chain();
                let chain = if held {
                    chain.key_down(key)
                } else {
                    chain.key_up(key)
                };
                chain.perform().await
            })
        })
    }

    fn choose_file(&self, path: &Path) -> Result<()> {
        let path = path.display().to_string();
        self.call(move |d| {
            Box::pin(async move {
                let field = d.find(By::Css("input[type=file]")).await?;
                field.send_keys(path).await
            })
        })
    }

    fn picture(&self) -> Result<Vec<u8>> {
        self.call(|d| Box::pin(async move { d.screenshot_as_png().await }))
    }

    fn enter(&self, find: &str) -> Result<()> {
        let find = find.to_owned();
        self.call(move |d| {
            Box::pin(async move {
                let found = d.execute(find, vec![]).await?;
                found.element()?.enter_frame().await
            })
        })
    }

    fn leave(&self) -> Result<()> {
        self.call(|d| Box::pin(async move { d.enter_default_frame().await }))
    }

    fn cdp(&self, command: &str, parameters: Value) -> Result<Value> {
        let command = command.to_owned();
        self.call(move |d| Box::pin(async move { d.cdp().send_raw(&command, parameters).await }))
    }
}

fn open(
    host: &Host,
    address: &str,
    capabilities: ChromeCapabilities,
) -> Result<(tokio::runtime::Runtime, WebDriver)> {
    host.enter_this_thread()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let driver = runtime.block_on(
        WebDriver::builder(address, capabilities)
            .request_timeout(COMMAND_PATIENCE)
            .connect(),
    )?;
    Ok((runtime, driver))
}

/// Serves until the owner is gone. The browser is then killed, so no goodbye is said.
fn serve(runtime: &tokio::runtime::Runtime, driver: WebDriver, queue: Receiver<Job>) {
    for job in queue {
        runtime.block_on(job(driver.clone()));
    }
    driver.leak().ok();
}
