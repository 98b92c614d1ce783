import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusFilesTests {
    /// Runs `body` with a folder of files that hold their own names.
    private func withFolder<Result>(_ names: [String], _ body: (String) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            for name in names {
                let file = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(file.lastPathComponent.utf8).write(to: file)
            }
            return try body(folder.path)
        }
    }

    private func texts(_ source: CorpusSource) throws -> [String] {
        var source = source
        source.documents = .file
        return try Corpus(reading: source).texts
    }

    @Test("a folder is read with all folders within, sorted, without hidden entries, links to folders and pipes")
    func folders() throws {
        try withFolder(["b", "a/z", "a/B", "c/d/e", ".hidden", ".git/f", "a-"]) { folder in
            try FileManager.default.createSymbolicLink(atPath: folder + "/c/up", withDestinationPath: folder)
            try FileManager.default.createSymbolicLink(atPath: folder + "/d", withDestinationPath: folder + "/b")
            try #require(mkfifo(folder + "/pipe", 0o600) == 0)
            #expect(try texts(CorpusSource(paths: [folder])) == ["B", "z", "a-", "b", "e", "b"])
            #expect(try texts(CorpusSource(paths: [folder + "/c/", folder + "/b"])) == ["e", "b"])
        }
    }

    @Test("the folders of trainings and of sweeps are not read as text")
    func runs() throws {
        try withFolder([
            "a", "runs/1/settings.json", "runs/1/last.safetensors", "runs/2/sweep.json", "runs/2/001/messages.txt",
            "runs/b", "runs/3/settings.json",
        ]) { folder in
            let texts = try texts(CorpusSource(paths: [folder]))
            #expect(texts == ["a", "settings.json", "b"])
        }
    }

    @Test("patterns choose the files in folders, not those that are named")
    func include() throws {
        try withFolder(["a.txt", "b.md", "c.html", "d/e.txt"]) { folder in
            var source = CorpusSource(paths: [folder, folder + "/c.html"])
            source.include = ["*.txt", "[ab].md"]
            let texts = try texts(source)
            #expect(texts == ["a.txt", "b.md", "e.txt", "c.html"])
            source.include = ["*.csv"]
            #expect(throws: CorpusError.emptyFolder(folder, include: ["*.csv"])) { try Corpus(reading: source) }
        }
    }

    @Test(
        "a list has a name a line, or names between NULs",
        arguments: ["a\nb c\nd\n", "a\r\n\r\nb c\r\nd", "a\0b c\0d\0", "a\0b c\0d"])
    func lists(list: String) throws {
        try withFolder(["a", "b c", "d/e"]) { folder in
            try Data(list.utf8).write(to: URL(fileURLWithPath: folder + "/.list"))
            var source = CorpusSource(paths: [folder + "/d"])
            source.list = folder + "/.list"
            source.listFolder = folder
            #expect(try texts(source) == ["e", "a", "b c", "e"])
        }
    }

    @Test("an empty list is refused")
    func emptyList() throws {
        try withFiles([Array("\n\r\n".utf8)]) { paths in
            var source = CorpusSource(paths: [])
            source.list = paths[0]
            #expect(throws: CorpusError.emptyList(paths[0])) { try Corpus(reading: source) }
        }
    }

    @Test("a list's names do not depend on the folder of a later start")
    func absoluteList() throws {
        var source = CorpusSource(paths: ["-"])
        source.list = "names"
        let absolute = source.withAbsolutePaths
        #expect(absolute.list == FileManager.default.currentDirectoryPath + "/names")
        #expect(absolute.listFolder == FileManager.default.currentDirectoryPath && absolute.paths == ["-"])
    }

    @Test(
        "file names are strings and back, whatever their bytes",
        arguments: [
            Array("é 漢😀".utf8), [0x78, 0xE9], [0xE9, 0x80, 0x61], [0xFF, 0xFE], [0xC3], [0xF4, 0x8F, 0x9F, 0xA9],
            Array("\u{10F7E9}".utf8) + [0xE9], [],
        ] as [[UInt8]])
    func names(bytes: [UInt8]) throws {
        let name = bytes.withUnsafeBytes { FileName.string($0) }
        #expect(FileName.bytes(name) == bytes)
        #expect(FileName.hasEscape(name) == (String(validating: bytes, as: UTF8.self) == nil || bytes.contains(0x8F)))
    }

    @Test("a name that is not UTF-8 is found in a folder, opened, written and shown")
    func latin1() throws {
        try withTemporaryFolder { folder in
            let path = [UInt8]((folder.path + "/x").utf8) + [0xE9]
            let name = path.withUnsafeBytes { FileName.string($0) }
            try AtomicFile.write(Array("text".utf8), to: name)
            #expect(access(path.map { CChar(bitPattern: $0) } + [0], R_OK) == 0)
            #expect(try texts(CorpusSource(paths: [folder.path])) == ["text"])
            #expect(try texts(CorpusSource(paths: [name])) == ["text"])
            #expect(
                CorpusError.notUTF8(file: name, offset: 1).description.contains("/x\\xE9' is not UTF-8"))
            #expect(throws: TrainingError.self) { try RunFolder(path: name + "run").create() }
        }
    }

    @Test("ten thousand files in a folder are read in a few seconds")
    func many() throws {
        try withTemporaryFolder { folder in
            for index in 0..<10_000 {
                let descriptor = open(folder.path + "/\(index)", O_CREAT | O_WRONLY, 0o600)
                write(descriptor, "text\n", 5)
                close(descriptor)
            }
            let start = ContinuousClock.now
            let corpus = try Corpus(reading: CorpusSource(paths: [folder.path], documents: .file))
            #expect(corpus.documentCount == 10_000 && corpus.notes.fileCount == 10_000)
            #expect(ContinuousClock.now - start < .seconds(20))
        }
    }

    // MARK: - Compression

    private static let text = Array(String(repeating: "the same text, again and again\n", count: 100_000).utf8)

    /// The output of a program.
    private func output(_ program: String, _ arguments: [String], input: [UInt8]) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("input")
            try Data(input).write(to: file)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [program] + arguments
            process.standardInput = try FileHandle(forReadingFrom: file)
            let result = folder.appendingPathComponent("output")
            try Data().write(to: result)
            process.standardOutput = try FileHandle(forWritingTo: result)
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            return Array(try Data(contentsOf: result))
        }
    }

    @Test("a compressed file is read like the original, and has its hash", arguments: ["gzip", "xz", "zstd"])
    func compressed(program: String) throws {
        let once = try output(program, ["-c"], input: CorpusFilesTests.text)
        let plain = try readCorpus([CorpusFilesTests.text + CorpusFilesTests.text], .line)
        // Two of them in one file are the text twice.
        let corpus = try readCorpus([once + once], .line)
        #expect(corpus.sha256 == plain.sha256 && corpus.documentCount == plain.documentCount)
        #expect(corpus.notes.byteCount == 2 * CorpusFilesTests.text.count)
    }

    @Test("a compressed file that is cut off or damaged is refused", arguments: ["gzip", "xz", "zstd"])
    func torn(program: String) throws {
        let bytes = try output(program, ["-c"], input: CorpusFilesTests.text)
        var damaged = bytes
        // In the checksum, the length or the footer, so that all of the text is decompressed.
        damaged[bytes.count - 2] ^= 0x55
        for bad in [Array(bytes.dropLast(10)), damaged] {
            try withFiles([bad]) { paths in
                let error = #expect(throws: CorpusError.self) { try Corpus(reading: CorpusSource(paths: paths)) }
                #expect(error?.description.contains("its \(program) data is") == true, "\(String(describing: error))")
            }
        }
    }

    @Test("a compressed file that other bytes follow is refused as such", arguments: ["gzip", "zstd"])
    func trailing(program: String) throws {
        let bytes = try output(program, ["-c"], input: CorpusFilesTests.text)
        try withFiles([bytes + Array("other bytes".utf8)]) { paths in
            let error = #expect(throws: CorpusError.self) { try Corpus(reading: CorpusSource(paths: paths)) }
            let reason = "its \(program) data is followed by other bytes"
            #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
        }
    }

    @Test("an error in a compressed text ends the program that decompresses it")
    func stopped() throws {
        let bytes = try output("gzip", ["-c"], input: [0xFF] + CorpusFilesTests.text)
        try withFiles([bytes]) { paths in
            #expect(throws: CorpusError.notUTF8(file: paths[0], offset: 0)) {
                try Corpus(reading: CorpusSource(paths: paths))
            }
        }
    }
}
