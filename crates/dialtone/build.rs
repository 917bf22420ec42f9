//! Says when the embedded web app has changed. It never builds it: see `cargo xtask web`.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
    println!("cargo:rerun-if-changed=build.rs");
}
