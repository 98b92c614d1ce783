//! Links libchargen.so: from the folder that CHARGEN_LIB_DIR names, or from the source tree's build.

use std::{env, path::PathBuf};

fn main() {
    let folder = match env::var_os("CHARGEN_LIB_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../build"),
    };
    println!("cargo:rerun-if-env-changed=CHARGEN_LIB_DIR");
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=dylib=chargen");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
}
