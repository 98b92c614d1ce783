import ArgumentParser
import Foundation
import Training

/// One training of a sweep.
struct Trial: Codable, Equatable {
    /// The name of its folder.
    let name: String
    /// The options that it has beside those that all trials have.
    let choices: [Choice]
    /// nil if it has not begun or can be continued.
    var outcome: Outcome?

    /// How a trial ended, and what it reached.
    struct Outcome: Codable, Equatable {
        enum Ending: String, Codable {
            case finished
            /// It was hopeless.
            case stopped
            case failed
        }

        let ending: Ending
        /// Why it failed.
        var message: String?
        /// The number of weights and biases; nil, as what follows, if it ended before.
        var parameters: Int?
        /// The lowest validation loss, in nats a character.
        var validationLoss: Double?
        /// The time spent in training.
        var seconds: Double?
        /// The part of the training that was done.
        var fraction: Double?
    }
}

extension [Choice] {
    /// The choices in words, such as `hidden=64 dropout=0.1`.
    var words: String { map { "\($0.name)=\($0.value)".onOneLine }.joined(separator: " ") }

    /// The arguments of `trainer train`, without the name of the command.
    ///
    /// - Parameter common: The texts and options that all trials have.
    func arguments(with common: [String]) -> [String] {
        // Before the common ones, which may contain `--`.
        compactMap(\.argument) + common
    }

    /// The command that trains with the choices.
    ///
    /// - Throws: `ValidationError` when `trainer train` refuses the arguments.
    func command(with common: [String]) throws -> Train {
        do {
            return try Train.parse(arguments(with: common))
        } catch  where Train.exitCode(for: error).isSuccess {
            throw ValidationError("With \(words) nothing is trained.")
        } catch {
            throw ValidationError("With \(words): \(Train.message(for: error))")
        }
    }
}
