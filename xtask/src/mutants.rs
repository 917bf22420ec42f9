//! Deliberate breakages of the exchange, each of which the rules have to see.
//!
//! The crates it takes are copied, one breakage at a time is made in the copy, and the copy is
//! explored where the breakage should show.

mod list;

use std::{
    fs,
    path::{Path, PathBuf},
};

use list::MUTANTS;

use crate::{
    count::Count,
    shell::{build_folder, command, root},
};

/// A breakage.
struct Mutant {
    /// What is wrong.
    name: &'static str,
    /// Part of the words in which `explore` tells of the rule it breaks.
    rule: &'static str,
    /// The small world in which it shows.
    world: &'static str,
    /// How many steps it is looked for.
    depth: usize,
    /// Where it is made, in `crates/exchange/src`: file, text, and what stands there instead.
    edits: &'static [(&'static str, &'static str, &'static str)],
}

/// What the copy needs.
const CRATES: &[&str] = &["protocol", "exchange", "sim"];

/// `cargo xtask mutants [PART-OF-A-NAME]`.
pub fn main(arguments: &[String]) -> Result<(), String> {
    let part = arguments.first().map_or("", String::as_str);
    let Count { passed, failed } = run_all(part)?;
    match failed {
        0 => Ok(()),
        _ => Err(format!(
            "{failed} of {} mutants survived: a rule or a small world is missing",
            passed + failed
        )),
    }
}

/// Tries those with this in their name, and prints a table.
pub fn run_all(part: &str) -> Result<Count, String> {
    let copy = Copy::new()?;
    // What does not even work unbroken would catch anything.
    copy.build("the exchange as it is")?;
    let mut rows = Vec::new();
    let mut count = Count::default();
    for mutant in MUTANTS.iter().filter(|mutant| mutant.name.contains(part)) {
        let caught = copy.try_out(mutant)?;
        let (verdict, passed) = match &caught {
            Ok(steps) => (
                format!("{} | {} | {steps}", mutant.world, mutant.depth),
                true,
            ),
            Err(why) => (format!("SURVIVED: {why} | {} |", mutant.depth), false),
        };
        println!("{}: {verdict}", mutant.name);
        rows.push(format!("| {} | {} | {verdict} |", mutant.name, mutant.rule));
        count += Count::one(passed);
    }
    println!("\n| Mutant | Rule | Caught in | Depth | Steps to it |");
    println!("| --- | --- | --- | ---: | ---: |");
    println!("{}", rows.join("\n"));
    Ok(count)
}

/// A workspace of its own, that is built into a folder of its own.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    fn new() -> Result<Copy, String> {
        let folder = build_folder().join("mutants");
        let crates = folder.join("crates");
        if crates.exists() {
            fs::remove_dir_all(&crates).map_err(told(&crates))?;
        }
        for name in CRATES {
            copy_folder(&root().join("crates").join(name), &crates.join(name))?;
        }
        let whole = read(&root().join("Cargo.toml"))?;
        let kept = whole
            .lines()
            .filter(|line| !line.starts_with("default-members"));
        let kept = kept.map(|line| match line.starts_with("members") {
            true => r#"members = ["crates/*"]"#,
            false => line,
        });
        write(
            &folder.join("Cargo.toml"),
            &kept.collect::<Vec<_>>().join("\n"),
        )?;
        write(
            &folder.join("Cargo.lock"),
            &read(&root().join("Cargo.lock"))?,
        )?;
        Ok(Copy { folder })
    }

    fn build(&self, what: &str) -> Result<(), String> {
        let built = command("cargo")
            .current_dir(&self.folder)
            .args(["build", "--quiet", "--package", "sim", "--bin", "explore"])
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            // Little work to build, and enough speed for a few steps.
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("RUSTFLAGS", "--cap-lints=warn")
            .output()
            .map_err(|e| format!("cargo build: {e}"))?;
        match built.status.success() {
            true => Ok(()),
            false => Err(format!(
                "{what} does not compile:\n{}",
                String::from_utf8_lossy(&built.stderr)
            )),
        }
    }

    /// After how many steps it was caught, or why it was not.
    fn try_out(&self, mutant: &Mutant) -> Result<Result<usize, String>, String> {
        let sources = self.folder.join("crates/exchange/src");
        let mut whole = Vec::new();
        for (file, text, instead) in mutant.edits {
            let path = sources.join(file);
            let before = read(&path)?;
            let count = before.matches(text).count();
            if count != 1 {
                let name = mutant.name;
                return Err(format!(
                    "{name}: {file} has {count} times, not once:\n{text}"
                ));
            }
            write(&path, &before.replacen(text, instead, 1))?;
            whole.push((path, before));
        }
        let caught = self.build(mutant.name).and_then(|()| self.explore(mutant));
        for (path, before) in whole.iter().rev() {
            write(path, before)?;
        }
        caught
    }

    fn explore(&self, mutant: &Mutant) -> Result<Result<usize, String>, String> {
        let explored = command(self.folder.join("target/debug/explore"))
            .args(["--only", mutant.world, "--depth"])
            .arg(mutant.depth.to_string())
            .output()
            .map_err(|e| format!("explore: {e}"))?;
        let told = String::from_utf8_lossy(&explored.stdout);
        let Some((_, broken)) = told.split_once("BROKEN: ") else {
            if explored.status.success() {
                return Ok(Err(format!("no rule is broken in {} steps", mutant.depth)));
            }
            let why = String::from_utf8_lossy(&explored.stderr).into_owned();
            return Ok(Err(format!("the exploration itself fails: {why}")));
        };
        let what = broken.lines().next().unwrap_or_default();
        if !what.contains(mutant.rule) {
            return Ok(Err(format!("another rule is broken: {what}")));
        }
        let is_step = |line: &&str| {
            let number = line.trim_start().split_once(". ").map(|(number, _)| number);
            number.is_some_and(|number| number.parse::<usize>().is_ok())
        };
        Ok(Ok(broken.lines().filter(is_step).count()))
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(told(to))?;
    for entry in fs::read_dir(from).map_err(told(from))? {
        let entry = entry.map_err(told(from))?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &copy)?;
        } else {
            fs::copy(&path, &copy).map_err(told(&path))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(told(path))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(told(path))
}

fn told(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}
