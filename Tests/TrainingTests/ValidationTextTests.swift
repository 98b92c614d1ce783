import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Texts that a training is validated on")
struct ValidationTextTests {
    /// Runs `body` in a folder with texts, and with settings that validate on some of them.
    private func withTexts(
        _ texts: [String: String], validatingOn names: [String],
        _ body: (_ settings: Settings, _ folder: URL) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            for (name, text) in texts {
                let file = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
            var settings = Settings(corpus: CorpusSource(paths: [folder.path + "/text.txt"]))
            (settings.layers, settings.hiddenSize, settings.batchSize, settings.time) = (1, 12, 4, 15)
            (settings.epochs, settings.validationFraction) = (3, 0)
            settings.validationTexts = names.map { folder.path + "/" + $0 }
            try body(settings, folder)
        }
    }

    private let texts = [
        "text.txt": sampleText(characters: 2500), "a.txt": sampleText(characters: 900, seed: 2),
        "b.txt": sampleText(characters: 300, seed: 3),
    ]

    @Test("are each in every report, and the first decides which checkpoint is the best")
    func reports() throws {
        try withTexts(texts, validatingOn: ["a.txt", "b.txt"]) { settings, folder in
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            #expect(run.validationTexts.map(\.name) == ["a.txt", "b.txt"])
            _ = try run.train()
            let reports = try run.folder.reports()
            #expect(reports.count == 3)
            for report in reports {
                let losses = try #require(report.validationLosses)
                #expect(losses.map(\.text) == ["a.txt", "b.txt"])
                #expect(losses[0].loss == report.validationLoss && losses[0].loss != losses[1].loss)
            }
            #expect(run.progress.bestValidationLoss == reports.compactMap(\.validationLoss).min())
        }
    }

    @Test("come after what is held out, if something is")
    func heldOut() throws {
        try withTexts(texts, validatingOn: ["a.txt"]) { settings, folder in
            var settings = settings
            settings.validationFraction = 0.1
            let both = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/both"))
            _ = try both.train()
            #expect(both.validationTexts.map(\.name) == ["held out", "a.txt"])
            settings.validationTexts = nil
            let alone = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/alone"))
            _ = try alone.train()
            // Another text to validate on changes nothing else.
            #expect(alone.network.parameters.tensors == both.network.parameters.tensors)
            let reports = try zip(alone.folder.reports(), both.folder.reports())
            #expect(reports.allSatisfy { $0.validationLoss == $1.validationLoss && $0.validationLosses == nil })
        }
    }

    @Test("may be documents, which are read as those to learn from", arguments: [Settings.Batching.streams, .windows])
    func documents(batching: Settings.Batching) throws {
        let lines = texts.mapValues { $0.replacingOccurrences(of: " ", with: "\n") }
        try withTexts(lines, validatingOn: ["a.txt"]) { settings, folder in
            var settings = settings
            (settings.corpus.documents, settings.batching) = (.line, batching)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            #expect(run.validationTexts[0].corpus.documentCount > 50)
            _ = try run.train()
            #expect(try #require(run.progress.validationLoss) < log(Double(run.shape.vocabularySize)))
        }
    }

    @Test("have characters that the text lacks left out and counted")
    func unknownCharacters() throws {
        let texts = self.texts.merging(["a.txt": "b€ad€o"]) { $1 }
        try withTexts(texts, validatingOn: ["a.txt"]) { settings, folder in
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            #expect(run.validationTexts[0].corpus.unknownCount == 2)
            #expect(run.validationTexts[0].corpus.characterCount == 4)
        }
    }

    @Test("are refused if nothing in them can be predicted, or if they are learned too")
    func refused() throws {
        let texts = self.texts.merging([
            "a.txt": "€€€", "b.txt": "b", "empty.txt": "", "texts/c.txt": "bado", "texts/d.txt": "rasi",
        ]) { $1 }
        for (name, reason) in [
            ("a.txt", "no character that"), ("b.txt", "too short"), ("empty.txt", "no character that"),
            ("texts/d.txt", "one of the files to learn from"), ("link.txt", "one of the files to learn from"),
        ] {
            try withTexts(texts, validatingOn: [name]) { settings, folder in
                var settings = settings
                settings.corpus.paths.append(folder.path + "/texts")
                try FileManager.default.createSymbolicLink(
                    atPath: folder.path + "/link.txt", withDestinationPath: "texts/c.txt")
                let error = #expect(throws: TrainingError.self) {
                    try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
                }
                #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
                #expect(!FileManager.default.fileExists(atPath: folder.path + "/run"))
            }
        }
    }

    @Test("must be the same when the training is resumed, wherever they are")
    func resumed() throws {
        try withTexts(texts, validatingOn: ["a.txt", "b.txt"]) { settings, folder in
            let run = RunFolder(path: folder.path + "/run")
            _ = try TrainingRun(settings, folder: run)
            let first = folder.path + "/a.txt"
            let moved = folder.path + "/moved.txt"
            try FileManager.default.moveItem(atPath: first, toPath: moved)
            func resume(_ texts: [String]?) throws -> TrainingRun {
                try TrainingRun(resuming: run) { if let texts { $0.validationTexts = texts } }
            }
            let second = folder.path + "/b.txt"
            for (texts, reason) in [
                (nil, "No such file"), ([moved], "name all"), ([second, moved], "not the one that this training"),
            ] as [([String]?, String)] {
                let error = #expect(throws: TrainingError.self) { try resume(texts) }
                #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
            }
            #expect(try resume([moved, second]).train() == .finished)
            try sampleText(characters: 900, seed: 4).write(toFile: moved, atomically: true, encoding: .utf8)
            let error = #expect(throws: TrainingError.self) {
                try TrainingRun(resuming: run) { $0.epochs = 4 }
            }
            #expect(error?.description.contains("not the one that this training began with") == true)
        }
    }

    @Test("have the names of their files, numbered if they are the same")
    func names() {
        #expect(
            ValidationText.names(of: ["/x/a.txt", "/y/a.txt", "/x/b", "a.txt"]) == [
                "a.txt", "a.txt (2)", "b", "a.txt (3)",
            ])
    }

    @Test("are named in a model's provenance without their folders")
    func provenance() throws {
        try withTexts(texts, validatingOn: ["a.txt", "b.txt"]) { settings, folder in
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            let provenance = try Checkpoint(path: run.folder.lastCheckpointPath).provenance
            #expect(provenance.contains(#""validationTexts":["a.txt","b.txt"]"#) && !provenance.contains(folder.path))
        }
    }
}
