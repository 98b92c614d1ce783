//! Streams text to the terminal: stream MODEL [PROMPT]

use std::io::{self, Write};

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: stream MODEL [PROMPT]")?;
    let model = chargen::Model::load(path)?;
    let mut session = chargen::Session::new(&model)?;
    session.set_temperature(0.8)?;
    if let Some(prompt) = arguments.next() {
        session.feed(&prompt)?;
        print!("{prompt}");
    }
    for character in session.take(500) {
        print!("{character}");
        io::stdout().flush()?;
    }
    println!();
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("stream: {error}");
        std::process::exit(1);
    }
}
