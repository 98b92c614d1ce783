import ArgumentParser
import Core
import Foundation
import InferenceEngine
import Training

/// `trainer generate`: generates text with a model.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Generate text with a model.",
        discussion: "Without --seed every call gives another text.")

    @Argument(help: "The model, a .cgw file.", completion: .file(extensions: ["cgw"]))
    var model: String

    @Option(help: ArgumentHelp("The text to continue.", valueName: "text"))
    var prompt = ""

    @Option(
        help: ArgumentHelp(
            "The most characters to generate. A model that has an end-of-document symbol may stop before.",
            valueName: "n"))
    var length = 500

    @Option(help: ArgumentHelp("The number of texts, each on lines of its own.", valueName: "n"))
    var count = 1

    @Flag(help: "Always take the likeliest character.")
    var greedy = false

    @Option(
        help: ArgumentHelp(
            "The sampling temperature: below 1 the distribution is sharpened, above 1 flattened (1).", valueName: "x"))
    var temperature: Float?

    @Option(help: ArgumentHelp("The seed of the random generator: the same seed gives the same text.", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "What to do with a character of the prompt that the model does not know.", valueName: "policy"))
    var unknown = UnknownPolicy.fail

    enum UnknownPolicy: String, ExpressibleByArgument, CaseIterable {
        case fail, skip
    }

    func validate() throws {
        guard length >= 0 else { throw ValidationError("--length must be at least 0.") }
        guard count >= 1 else { throw ValidationError("--count must be at least 1.") }
        guard !greedy || temperature == nil else { throw ValidationError("Give --greedy or --temperature, not both.") }
        if let temperature, !(temperature == 0 || (temperature >= 0.001 && temperature <= 1000)) {
            throw ValidationError("--temperature must be 0, which is --greedy, or from 0.001 to 1000.")
        }
    }

    private func feedPrompt(to session: Session) throws {
        do {
            try session.feed(prompt)
        } catch  where error.kind == .unknownCharacter {
            throw ChargenError(error.kind, error.message + " (--unknown skip)")
        }
    }

    func run() throws {
        let session = try Session(try Model(path: FileName.cString(model)))
        try session.setTemperature(greedy ? 0 : temperature ?? 1)
        let seed = seed ?? .random(in: 0 ... .max)
        session.unknownCharacters = unknown == .skip ? .skip : .fail
        for index in 0..<count {
            session.reset()
            session.seed = seed &+ UInt64(index)
            try feedPrompt(to: session)
            try Terminal.write(prompt)
            for _ in 0..<length {
                guard let character = session.next() else { break }
                try Terminal.write(String(character))
            }
            try Terminal.write("\n")
        }
    }
}
