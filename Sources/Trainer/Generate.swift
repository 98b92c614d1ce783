import ArgumentParser
import Core
import Foundation
import InferenceEngine
import Training

/// `trainer generate`: generates text with a model.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Generate text with a model.",
        usage: "trainer generate <model> [<options>]",
        discussion: """
            Each text begins with the prompt and ends with a line feed. On a terminal control characters are shown, \
            such as ␛; a file or a pipe gets them as they are.
            """)

    @Argument(help: "The model, a .cgw file.", completion: .file(extensions: ["cgw"]))
    var model: String

    @OptionGroup(title: "Prompt")
    var prompt: PromptOptions

    @OptionGroup(title: "Sampling")
    var sampling: SamplingOptions

    @Option(
        help: ArgumentHelp(
            "The most characters to generate. A model that has an end-of-document symbol may stop before.",
            valueName: "n"))
    var length = 500

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Stop after the first occurrence of a text. (default: none)", valueName: "text"),
        transform: Arguments.text)
    var until: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "A regular expression that each text matches, without the prompt. (default: none)",
            discussion: """
                Such as '[A-Z][a-z]+'. The syntax is in docs/patterns.md. A text matches as a whole, and has at most \
                as many characters as --length says.
                """,
            valueName: "expression"),
        transform: Arguments.text)
    var pattern: String?

    @Option(
        name: .customLong("label"),
        help: ArgumentHelp(
            "What kind of text, of a model with labels: a label's name, or a mixture such as 'Sports=0.7,Business=0.3'. "
                + "Repeat it for labels of further columns. (default: no label)",
            discussion: "Where columns have the same labels, write the column first, as in 'class:Sports'.",
            valueName: "label"),
        transform: Arguments.text)
    var labels: [String] = []

    @Option(help: ArgumentHelp("The number of texts.", valueName: "n"))
    var count = 1

    @Option(
        help: ArgumentHelp(
            "Print only texts that are not in a list, and each only once. (default: none)",
            discussion: """
                The list is a file of texts, one a line, or a training's folder, which stands for the documents that \
                it learned from. Several lists: --unique a.txt --unique b.txt.
                """,
            valueName: "list"),
        completion: .file())
    var unique: [String] = []

    @Option(
        help: ArgumentHelp(
            "How to print the texts.",
            discussion: """
                'jsonl' prints a JSON object a line: the prompt, the text that continues it, its number of \
                characters, its seed, why it is over, and the natural logarithm of its probability at temperature 1. \
                It is over with the 'document' if the model or the pattern ended that, otherwise with 'until' or \
                with 'length'.
                """,
            valueName: "format"))
    var format = Format.text

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, jsonl
    }

    /// The attempts without a new text after which `--unique` gives up.
    private static let attemptLimit = 1000

    func validate() throws {
        guard length >= 0 else { throw ValidationError("--length must be at least 0.") }
        guard pattern == nil || length > 0 else {
            throw ValidationError("With --pattern, --length must be at least 1.")
        }
        guard count >= 1 else { throw ValidationError("--count must be at least 1.") }
        guard until != "" else { throw ValidationError("--until must be at least one character.") }
        guard (unique + [prompt.file]).filter({ $0 == "-" }).count <= 1 else {
            throw ValidationError("Standard input ('-') can be read only once.")
        }
    }

    func run() throws {
        let model = try Model(path: FileName.cString(model))
        try checkUntil(model)
        let session = try Session(model)
        try session.setTemperature(sampling.greedy ? 0 : sampling.temperature ?? 1)
        session.unknownCharacters = prompt.unknown == .skip ? .skip : .fail
        try LabelChoice.apply(labels, to: session)
        if let pattern {
            try session.setPattern(try Pattern(pattern, for: model))
            try session.setMaximumLength(length)
        }
        let generator = TextGenerator(session: session, prompt: try prompt.text(), limit: length, until: until)
        var known = Set(try unique.flatMap(TextFile.list))
        var seed = sampling.seed ?? .random(in: 0 ... .max)
        for index in 0..<count {
            if !unique.isEmpty {
                let text = try newText(generator, seed: &seed, known: &known, index: index)
                try write(text, generator)
            } else if format == .jsonl {
                try write(try generator.text(seed: seed), generator)
            } else {
                try stream(generator, seed: seed)
            }
            seed &+= 1
        }
    }

    /// Refuses a text to stop after that the model cannot generate.
    private func checkUntil(_ model: Model) throws {
        for character in (until ?? "").unicodeScalars where model.vocabulary.symbol(of: character.value) == nil {
            throw ChargenError(
                .unknownCharacter,
                "--until has the character \(codePoint(character.value)), which the model does not know and never "
                    + "generates; choose another text")
        }
    }

    /// Generates texts until one is not known, and adds it to the known ones.
    ///
    /// - Parameters:
    ///   - seed: The first seed to try; becomes that of the text.
    ///   - index: The number of texts that are printed already.
    private func newText(
        _ generator: TextGenerator, seed: inout UInt64, known: inout Set<String>, index: Int
    ) throws -> GeneratedText {
        for _ in 0..<Generate.attemptLimit {
            let text = try generator.text(seed: seed)
            if known.insert(text.prompt + text.text).inserted { return text }
            seed &+= 1
        }
        throw ChargenError(
            .invalidArgument,
            "no new text in \(Generate.attemptLimit) attempts, after \(index) of \(count): all were in the list or "
                + "printed before; raise --temperature, or lower --count")
    }

    private func write(_ text: GeneratedText, _ generator: TextGenerator) throws {
        switch format {
        case .text: try Terminal.write(text.prompt + text.text + "\n")
        case .jsonl:
            try Terminal.write(try text.jsonLine(logProbability: generator.logProbability(of: text)) + "\n")
        }
    }

    /// Writes a text character by character, as it is generated.
    private func stream(_ generator: TextGenerator, seed: UInt64) throws {
        try generator.begin(seed: seed)
        try Terminal.write(generator.prompt)
        _ = try generator.generate { try Terminal.write(String($0)) }
        try Terminal.write("\n")
    }
}
