import Foundation
import InferenceEngine
import TestSupport
import Testing

@Suite("trainer generate")
struct GenerateTests {
    /// Runs `body` in a folder with a random model, `model.cgw`.
    private func withModel(
        characters: String = "ab- \n", hasEndOfDocument: Bool = true, _ body: (URL) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            try Data(try randomModel(.gru, characters: characters, hasEndOfDocument: hasEndOfDocument)).write(
                to: folder.appendingPathComponent("model.cgw"))
            try body(folder)
        }
    }

    private func write(_ text: String, to name: String, in folder: URL) throws {
        try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }

    private struct Line: Decodable, Equatable {
        let prompt: String
        let text: String
        let characters: Int
        let seed: UInt64
        let ending: String
        let logProbability: Double?
    }

    private func lines(_ output: String) throws -> [Line] {
        try output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    @Test("continues a prompt that begins with a dash", arguments: [["--prompt", "- b"], ["--prompt=- b"]])
    func dash(arguments: [String]) throws {
        try withModel { folder in
            let process = try Command.start(["generate"] + arguments + ["--seed", "1", "model.cgw"], in: folder)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            let output = try String(contentsOf: folder.appendingPathComponent("stdout"), encoding: .utf8)
            #expect(output.hasPrefix("- b"), "\(output)")
        }
    }

    @Test("has each text match a pattern within the length, after the prompt")
    func pattern() throws {
        try withModel { folder in
            let process = try Command.trainer(
                "generate", "model.cgw", "--prompt", "b ", "--pattern", "-a{2,9}b*", "--length", "5", "--count", "20",
                "--seed", "1", in: folder)
            #expect(process.status == 0, "\(process.errors)")
            let texts = process.output.split(separator: "\n")
            #expect(texts.count == 20)
            #expect(texts.allSatisfy { $0.wholeMatch(of: /b -a{2,4}b*/) != nil && $0.count <= 7 }, "\(texts)")
            let fault = try Command.trainer("generate", "model.cgw", "--pattern", "a(", in: folder)
            #expect(fault.status != 0 && fault.errors.contains("at character 2"), "\(fault.errors)")
        }
    }

    @Test("continues the text of a file or of standard input as it continues the same --prompt")
    func promptFile() throws {
        try withModel { folder in
            let prompt = "-b\nab\n"
            try write(prompt, to: "prompt.txt", in: folder)
            let expected = try Command.trainer("generate", "model.cgw", "--prompt", prompt, "--seed", "1", in: folder)
            #expect(expected.status == 0 && expected.output.hasPrefix(prompt))
            let file = try Command.trainer(
                "generate", "model.cgw", "--prompt-file", "prompt.txt", "--seed", "1", in: folder)
            #expect(file.output == expected.output, "\(file.errors)")
            let input = try Command.trainer(
                "generate", "model.cgw", "--prompt-file", "-", "--seed", "1", input: prompt, in: folder)
            #expect(input.output == expected.output, "\(input.errors)")

            let none = try Command.trainer("generate", "model.cgw", "--seed", "1", in: folder)
            let empty = try Command.trainer(
                "generate", "model.cgw", "--prompt-file", "-", "--seed", "1", input: "", in: folder)
            #expect(empty.status == 0 && empty.output == none.output)
        }
    }

    @Test("refuses a folder as the file of a prompt or as a list", arguments: ["--prompt-file", "--unique"])
    func folder(option: String) throws {
        try withModel { folder in
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("texts"), withIntermediateDirectories: true)
            try write("ab", to: "texts/prompt.txt", in: folder)
            let result = try Command.trainer("generate", "model.cgw", option, "texts", in: folder)
            #expect(result.status == 1 && result.output.isEmpty)
            #expect(result.errors.contains("cannot read 'texts': Is a directory"), "\(result.errors)")
        }
    }

    @Test("gives texts whose seeds are consecutive, each the same as alone")
    func count() throws {
        try withModel(hasEndOfDocument: false) { folder in
            let three = try Command.trainer(
                "generate", "model.cgw", "--count", "3", "--seed", "18446744073709551615", in: folder)
            let alone = try ["18446744073709551615", "0", "1"].map {
                try Command.trainer("generate", "model.cgw", "--seed", $0, in: folder).output
            }
            #expect(three.output == alone.joined() && Set(alone).count == 3)
        }
    }

    @Test("stops after the first occurrence of --until, which the prompt does not count for")
    func until() throws {
        try withModel(hasEndOfDocument: false) { folder in
            let whole = try Command.trainer(
                "generate", "model.cgw", "--prompt", "-a", "--length", "2000", "--seed", "1", in: folder
            ).output.dropFirst(2).dropLast()
            let end = try #require(whole.range(of: "-a"))
            let stopped = try Command.trainer(
                "generate", "model.cgw", "--prompt", "-a", "--length", "2000", "--seed", "1", "--until", "-a",
                in: folder)
            #expect(stopped.output == "-a" + whole[..<end.upperBound] + "\n", "\(stopped.errors)")
            let short = try Command.trainer(
                "generate", "model.cgw", "--length", "5", "--until", "aaaaaaaaaaaa", in: folder)
            #expect(short.output.count == 6)
        }
    }

    @Test("prints JSON lines that say how each text ended and how probable it is")
    func jsonLines() throws {
        try withModel(characters: "ab\"\u{1B}é") { folder in
            let arguments = ["generate", "model.cgw", "--prompt", "aé", "--seed", "5", "--temperature", "0.5"]
            func generate(_ more: String...) throws -> String {
                let process = try Command.start(arguments + more, in: folder)
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
                return try String(contentsOf: folder.appendingPathComponent("stdout"), encoding: .utf8)
            }
            let texts = try lines(generate("--count", "40", "--length", "6", "--format", "jsonl"))
            #expect(texts.map(\.seed) == Array(5..<45))
            let plain = try generate("--count", "40", "--length", "6")
            #expect(texts.map { $0.prompt + $0.text + "\n" }.joined() == plain)
            #expect(Set(texts.map(\.ending)) == ["document", "length"])

            let session = try Session(Model(contentsOf: folder.appendingPathComponent("model.cgw").path))
            for text in texts {
                #expect(text.characters == text.text.unicodeScalars.count)
                #expect(text.characters == 6 || text.ending == "document")
                session.reset()
                try session.feed(text.prompt)
                var sum = 0.0
                for character in text.text.unicodeScalars { sum += try session.score(String(character)).logProbability }
                if text.ending == "document" {
                    sum += session.logProbability(of: try #require(session.model.vocabulary.endOfDocument))
                }
                #expect(abs(try #require(text.logProbability) - sum) < 1e-9)
            }
            let until = try lines(generate("--count", "40", "--until", "b", "--format", "jsonl"))
            #expect(until.contains { $0.ending == "until" } && until.contains { $0.ending == "document" })
            for text in until { #expect((text.ending == "until") == text.text.hasSuffix("b")) }
        }
    }

    @Test("prints only texts that are not in a list, and each only once, with their own seeds")
    func unique() throws {
        try withModel(characters: "ab") { folder in
            func generate(_ more: String...) throws -> [Line] {
                let process = try Command.start(
                    ["generate", "model.cgw", "--seed", "1", "--prompt", "a", "--length", "3", "--format", "jsonl"]
                        + more, in: folder)
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
                return try lines(String(contentsOf: folder.appendingPathComponent("stdout"), encoding: .utf8))
            }
            try write("aaa\r\nab", to: "first.txt", in: folder)
            try write("aaaa\n\n", to: "second.txt", in: folder)
            let new = try generate("--count", "8", "--unique", "first.txt", "--unique", "second.txt")

            var known: Set<String> = ["aaa", "ab", "aaaa"]
            let expected = try generate("--count", "200").filter { known.insert($0.prompt + $0.text).inserted }
            #expect(new == Array(expected.prefix(8)))
        }
    }

    @Test("compares with the documents of a training, which its folder stands for")
    func uniqueRun() throws {
        try withTemporaryFolder { folder in
            let text = String(repeating: "a\nb\n", count: 200)
            try write(text, to: "text.txt", in: folder)
            let training = try Command.trainer(
                "train", "text.txt", "--documents", "line", "--hidden", "8", "--batch", "4", "--time", "20", "--epochs",
                "1", "--run", "run", in: folder)
            #expect(training.status == 0, "\(training.errors)")
            #expect(try Command.trainer("export", "model.cgw", "--run", "run", in: folder).status == 0)
            let new = try Command.trainer(
                "generate", "model.cgw", "--unique", "run", "--count", "20", "--length", "2", "--seed", "1", in: folder)
            let texts = new.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            #expect(!texts.isEmpty && Set(texts).count == texts.count)
            #expect(!texts.contains("a") && !texts.contains("b"))
        }
    }

    @Test("gives up with a message when no text is new, after printing those that are")
    func noMoreUnique() throws {
        try withModel(characters: "ab", hasEndOfDocument: false) { folder in
            try write("aa\n", to: "list.txt", in: folder)
            let result = try Command.trainer(
                "generate", "model.cgw", "--length", "2", "--unique", "list.txt", "--count", "9", in: folder)
            #expect(result.status == 1)
            #expect(Set(result.output.split(separator: "\n")) == ["ab", "ba", "bb"])
            #expect(result.errors.contains("1000 attempts, after 3 of 9"), "\(result.errors)")
        }
    }

    @Test(
        "refuses what cannot work, and says why",
        arguments: [
            (["--prompt", "a", "--prompt-file", "-"], 64, "--prompt or --prompt-file"),
            (["--until", ""], 64, "--until"),
            (["--until", "aé"], 1, "U+00E9"),
            (["--count", "0"], 64, "--count"),
            (["--format", "xml"], 64, "jsonl"),
            (["--prompt-file", "-", "--unique", "-"], 64, "only once"),
            (["--prompt-file", "missing.txt"], 1, "missing.txt"),
            (["--prompt-file", "latin1.txt"], 1, "byte offset 1"),
            (["--unique", "missing.txt"], 1, "missing.txt"),
            (["--unique", "latin1.txt"], 1, "byte offset 1"),
        ])
    func refused(arguments: [String], status: Int32, mention: String) throws {
        try withModel { folder in
            try Data([0x61, 0xE9, 0x0A]).write(to: folder.appendingPathComponent("latin1.txt"))
            let process = try Command.start(["generate", "model.cgw"] + arguments, in: folder)
            process.waitUntilExit()
            #expect(process.terminationStatus == status)
            #expect(try Data(contentsOf: folder.appendingPathComponent("stdout")).isEmpty)
            let errors = try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
            #expect(errors.contains(mention), "\(errors)")
        }
    }
}
