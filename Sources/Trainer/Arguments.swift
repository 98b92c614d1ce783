import ArgumentParser
import Synchronization
import Training

/// The arguments of the command.
///
/// ArgumentParser takes a time that is quadratic in the number of positional arguments: 37 seconds
/// for 30,000 file names. Long sequences of them are replaced by a placeholder each, which begins
/// with a NUL, as no argument does.
enum Arguments {
    private static let setAside = Mutex<[[String]]>([])
    /// The commands that take texts.
    private static let commands = ["train", "sweep", "evaluate", "classify", "corpus"]
    private static let longSequence = 100

    /// The arguments for ArgumentParser. File names in them are as ``FileName`` has them, because
    /// `CommandLine.arguments` would repair names that are not UTF-8.
    static func parsable() -> [String] {
        let all = (1..<Int(max(1, CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { FileName.string($0) }
        }
        return all.first.map(commands.contains) == true ? shortened(all) : all
    }

    /// The arguments with placeholders.
    ///
    /// An argument without a dash that follows two such arguments is a text: the first may be a
    /// command or the value of an option, the second the model to evaluate.
    static func shortened(_ arguments: [String]) -> [String] {
        var result: [String] = []
        var rest = arguments[...]
        while !rest.isEmpty {
            let sequence = rest.prefix { !$0.hasPrefix("-") || $0 == "-" }
            rest = rest.dropFirst(sequence.count)
            if sequence.count > longSequence {
                let index = setAside.withLock { texts in
                    texts.append(Array(sequence.dropFirst(2)))
                    return texts.count - 1
                }
                result += sequence.prefix(2) + ["\0\(index)"]
            } else {
                result += sequence
            }
            if let option = rest.popFirst() { result.append(option) }
        }
        return result
    }

    /// The value of an option that is text, or a name that must be UTF-8.
    ///
    /// - Throws: `ValidationError` when its bytes are not UTF-8.
    @Sendable static func text(_ argument: String) throws -> String {
        guard let text = FileName.text(argument) else { throw ValidationError("it is not UTF-8") }
        return text
    }

    /// The texts with those that placeholders stand for.
    static func expanded(_ texts: [String]) -> [String] {
        texts.flatMap { text in
            guard text.hasPrefix("\0"), let index = Int(text.dropFirst()) else { return [text] }
            return setAside.withLock { $0[index] }
        }
    }
}
