import ArgumentParser
@main struct T: ParsableCommand {}
