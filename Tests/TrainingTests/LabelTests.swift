import Core
import Foundation
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("Documents with labels")
struct LabelTests {
    /// A corpus of `text` in CSV, with labels in column 1.
    private func corpus(_ text: String, labels: [LabelSource.Column] = [LabelSource.Column("class=1")]) throws -> Corpus
    {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("text.csv").path
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            var source = CorpusSource(paths: [path], csv: .numbers([3]))
            source.labels = LabelSource(columns: labels)
            return try Corpus(reading: source)
        }
    }

    private static let rows = """
        sport,en,the ball and the goal
        world,fr,la paix et la guerre
        sport,,a long game
        ,en,no kind of text
        news,fr,abc
        world,en,war and peace
        """

    private static let columns = [LabelSource.Column("class=1"), LabelSource.Column("language=2")]

    /// A network of the corpus with random states of labels, some of them beyond the limit.
    private func network(
        _ cell: Cell, _ corpus: Corpus, threads: Int = 1, backend: Backend? = nil, dropout: Dropout = Dropout(),
        slices: Int = 1
    ) throws -> Network {
        let labels = try #require(corpus.labels?.labels)
        let shape = ModelShape(
            cell: cell, layers: 2, hiddenSize: 11, vocabularySize: corpus.vocabulary.count, labelCount: labels.count)
        let network = try Network(
            shape, threads: threads, backend: backend ?? #require(.chosen()),
            resetSymbol: corpus.vocabulary.resetSymbol, labelColumns: labels.counts.count, dropout: dropout,
            slices: slices)
        var random = SplitMix64(seed: 5)
        network.parameters.initialise(range: 0.4, forgetBias: 1, random: &random)
        for index in shape.labelHidden..<shape.tensorCount {
            network.parameters.setTensor(
                index,
                (0..<shape.tensor(index).count).map { _ in (Float(random.next() >> 40) * 0x1p-23 - 1) * 0.6 })
        }
        return network
    }

    /// Two rows that begin with a document, one within a document, and one of padding.
    private func minibatch(_ corpus: Corpus) throws -> Minibatch {
        let documents = DocumentSplit(corpus, HeldOut(fraction: 0, place: .end)).training
        var minibatch = Minibatch(of: Stretches(documents), starts: [0, 22, 30, 80], time: 27)
        minibatch.rows[3].positions = 70..<82
        minibatch.rows.append(Minibatch.Row(positions: 5..<5))
        return minibatch
    }

    @Test("gradients of labels' states are the slope of the loss, for every cell", arguments: Cell.allCases)
    func slope(cell: Cell) throws {
        let corpus = try corpus(Self.rows, labels: Self.columns)
        let dropout = Dropout(labels: 0.4)
        let network = try network(cell, corpus, threads: 2, dropout: dropout)
        let minibatch = try minibatch(corpus)
        let noise = Noise(seed: 3, update: 1)
        _ = try network.gradient(minibatch, of: corpus, state: nil, noise: noise)
        for index in 0..<network.shape.tensorCount {
            let slope = try Slope(of: network, tensor: index) {
                try network.loss(minibatch, of: corpus, state: nil, noise: noise)
            }
            #expect(slope.expected > 0.01, "\(network.shape.tensor(index).name) has no gradient")
            #expect(slope.isRight, "\(network.shape.tensor(index).name): \(slope)")
        }
    }

    @Test("logits, loss and gradients are PyTorch's", arguments: Cell.allCases, [1, 2])
    func equalsPyTorch(cell: Cell, threads: Int) throws {
        let url = try #require(
            Bundle.module.url(
                forResource: "labels-\(cell.name)", withExtension: "safetensors", subdirectory: "Fixtures"))
        let data = try Data(contentsOf: url)
        let tensors = try Safetensors(data).tensors
        let integers = try Fixture.readIntegers(data)
        let (text, numbers) = try (#require(integers["text"]), #require(integers["numbers"]))
        let end = 10
        var symbols = SymbolBuffer(symbolCount: 11, capacity: text.count)
        for symbol in text { symbols.append(Int32(symbol)) }
        let ends = text.indices.filter { text[$0] == end }
        let labels = try #require(
            Labels([.init(name: "a", labels: ["x", "y", "z"]), .init(name: "b", labels: ["x", "y"])]))
        let corpus = Corpus(
            symbols: symbols,
            vocabulary: try #require(Vocabulary(characters: (0..<10).map { 0x61 + $0 }, hasEndOfDocument: true)),
            documentCount: ends.count, sha256: "",
            labels: DocumentLabels(
                labels: labels, numbers: numbers.map { UInt16($0) }, starts: [0] + ends.dropLast().map { $0 + 1 }))

        let logits = try #require(tensors["logits"])
        let shape = ModelShape(
            cell: cell, layers: 2, hiddenSize: 16, vocabularySize: 11, labelCount: labels.count)
        let network = try Network(
            shape, threads: threads, backend: #require(.chosen()), resetSymbol: end, labelColumns: 2)
        for index in 0..<shape.tensorCount {
            network.parameters.setTensor(index, try #require(tensors["init." + shape.tensor(index).name]).elements)
        }
        let minibatch = Minibatch(
            of: Stretches(DocumentSplit(corpus, HeldOut(fraction: 0, place: .end)).training),
            starts: try #require(integers["rows"]), time: logits.shape[1])
        let own = try network.logits(minibatch, of: corpus).flatMap { $0.flatMap { $0 } }
        #expect(largestDifference(own, logits.elements) <= PyTorchTests.tolerance)
        let loss = try network.gradient(minibatch, of: corpus, state: nil)
        #expect(abs(loss - Double(try #require(tensors["loss"]).elements[0])) <= Double(PyTorchTests.tolerance))
        for index in 0..<shape.tensorCount {
            let name = shape.tensor(index).name
            let expected = try #require(tensors["grad." + name]).elements
            #expect(largestDifference(network.gradients.tensor(index), expected) <= PyTorchTests.tolerance, "\(name)")
        }
    }

    @Test(
        "updates have the same bits on any number of threads and with every backend", arguments: Cell.allCases, [1, 3])
    func exactness(cell: Cell, slices: Int) throws {
        let corpus = try corpus(Self.rows, labels: Self.columns)
        func parameters(_ threads: Int, _ backend: Backend) throws -> [UInt32] {
            let network = try network(
                cell, corpus, threads: threads, backend: backend, dropout: Dropout(states: 0.2, labels: 0.3),
                slices: slices)
            let optimiser = try Optimiser(network, weightDecay: 0.1)
            for update in 0..<3 {
                _ = try network.gradient(
                    minibatch(corpus), of: corpus, state: nil, noise: Noise(seed: 1, update: update))
                optimiser.update(learningRate: 0.01, clipping: .norm(1))
            }
            return UnsafeBufferPointer(start: network.parameters.pointer, count: network.parameters.count).map(
                \.bitPattern)
        }
        let expected = try parameters(1, .portable)
        for backend in Backend.available {
            for threads in [1, 2, 5] {
                #expect(try parameters(threads, backend) == expected, "\(backend.name), \(threads) threads")
            }
        }
    }

    @Test("gradients of slices add up to those of the whole minibatch", arguments: Cell.allCases, [2, 7])
    func slices(cell: Cell, slices: Int) throws {
        let corpus = try corpus(Self.rows, labels: Self.columns)
        let (whole, sliced) = (try network(cell, corpus), try network(cell, corpus, threads: 2, slices: slices))
        let minibatch = try minibatch(corpus)
        let loss = try whole.gradient(minibatch, of: corpus, state: nil)
        #expect(abs(try sliced.gradient(minibatch, of: corpus, state: nil) - loss) < 1e-6)
        for index in 0..<whole.shape.tensorCount {
            let difference = largestDifference(sliced.gradients.tensor(index), whole.gradients.tensor(index))
            #expect(difference < 1e-6, "\(whole.shape.tensor(index).name)")
        }
    }

    @Test("states of zeros give the loss of a network without labels", arguments: Cell.allCases)
    func zeros(cell: Cell) throws {
        let corpus = try corpus(Self.rows)
        let network = try network(cell, corpus)
        let shape = network.shape
        for index in shape.labelHidden..<shape.tensorCount {
            network.parameters.setTensor(index, [Float](repeating: 0, count: shape.tensor(index).count))
        }
        var plainShape = shape
        plainShape.labelCount = 0
        let plain = try Network(
            plainShape, threads: 1, backend: #require(.chosen()), resetSymbol: corpus.vocabulary.resetSymbol)
        for index in 0..<plainShape.tensorCount {
            plain.parameters.setTensor(index, network.parameters.tensor(index))
        }
        let minibatch = try minibatch(corpus)
        let losses = try (
            network.gradient(minibatch, of: corpus, state: nil), plain.gradient(minibatch, of: corpus, state: nil)
        )
        #expect(losses.0 == losses.1)
        for index in 0..<plainShape.tensorCount {
            #expect(network.gradients.tensor(index) == plain.gradients.tensor(index))
        }
    }

    // MARK: - Reading

    /// The labels of each document by name; "-" for none.
    private func names(_ corpus: Corpus, _ column: Int = 0) throws -> [String] {
        let labels = try #require(corpus.labels)
        return (0..<corpus.documentCount).map { document in
            labels.label(ofDocument: document, column: column).map { labels.labels.columns[column].labels[$0] } ?? "-"
        }
    }

    @Test("columns of CSV are labels, sorted, with none where the field is empty")
    func csv() throws {
        let corpus = try corpus(Self.rows + "\nsport,en,\n,,last", labels: Self.columns)
        #expect(try names(corpus) == ["sport", "world", "sport", "-", "news", "world", "-"])
        #expect(try names(corpus, 1) == ["en", "fr", "-", "en", "fr", "en", "-"])
        let labels = try #require(corpus.labels?.labels.columns)
        #expect(labels.map(\.name) == ["class", "language"])
        #expect(labels[0].labels == ["news", "sport", "world"])
        let chosen = corpus.documents.compactMap { corpus.labels?.labels(at: $0.lowerBound)[0] }
        #expect((0..<3).map { label in chosen.count { $0 == label } } == [1, 2, 2])
    }

    @Test("fields of JSON are labels, numbers and truth values too")
    func json() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("text.jsonl").path
            let lines = [
                #"{"text":"a","meta":{"kind":"x"},"stars":5}"#, #"{"text":"b","stars":null}"#,
                #"{"text":"c","meta":{"kind":"y"},"stars":4.5}"#,
            ]
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            var source = CorpusSource(paths: [path])
            source.json = "text"
            source.labels = LabelSource(
                columns: [.init("kind=meta.kind"), .init("stars")], names: ["x": "first", "4.5": "good"])
            let corpus = try Corpus(reading: source)
            #expect(try names(corpus) == ["first", "-", "y"])
            #expect(try names(corpus, 1) == ["5", "-", "good"])
        }
    }

    @Test("the names of folders and of files are labels")
    func folders() throws {
        try withTemporaryFolder { folder in
            for (name, text) in [("b/x.en.txt", "one\ntwo"), ("a/y.txt", "three"), ("a/x.txt", "four")] {
                let url = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: url, atomically: true, encoding: .utf8)
            }
            var source = CorpusSource(paths: [folder.path], documents: .line)
            source.labels = LabelSource(columns: [.init("folder"), .init("writer=file")])
            let corpus = try Corpus(reading: source)
            #expect(try names(corpus) == ["a", "a", "b", "b"])
            #expect(try names(corpus, 1) == ["x", "y", "x", "x"])
        }
    }

    @Test("labels that the model lacks, too many of them, and none at all are refused")
    func refusals() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("text.csv").path
            func source(_ text: String, _ place: String = "1") throws -> CorpusSource {
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                var source = CorpusSource(paths: [path], csv: .numbers([2]))
                source.labels = LabelSource(columns: [.init(place)])
                return source
            }
            let known = try #require(Labels([.init(name: "1", labels: ["a", "b"])]))
            let vocabulary = try #require(Vocabulary(characters: [0x78], hasEndOfDocument: true))
            #expect(throws: CorpusError.unknownLabel("c", column: "1", file: path, line: 2)) {
                try Corpus(reading: source("a,x\nc,x"), vocabulary: vocabulary, labels: known)
            }
            let many = (0..<4096).map { "label\($0),x" }.joined(separator: "\n")
            #expect(throws: CorpusError.tooManyLabels(file: path, line: 4096)) { try Corpus(reading: source(many)) }
            #expect(throws: CorpusError.noLabels(files: [path])) { try Corpus(reading: source(",x\n,x")) }
            #expect(throws: CorpusError.noLabels(files: [path])) { try Corpus(reading: source("a,x")) }
            #expect(throws: CorpusError.invalidLabel("a\0b", file: path, line: 1)) {
                try Corpus(reading: source("a\0b,x\na,x"))
            }
            #expect(throws: CorpusError.self) { try Corpus(reading: source("a,x\nb,x", "name")) }
            #expect(throws: CorpusError.self) { try Corpus(reading: source("a,x\nb,x", "3")) }
        }
    }

    // MARK: - Trainings

    private func settings(_ folder: URL, _ batching: Settings.Batching = .streams) throws -> Settings {
        let path = folder.appendingPathComponent("text.csv").path
        // The label decides the text.
        let rows = (0..<400).map { index in ["x,a,ba ba ba", "y,b,du du du"][index % 2] + "\(index % 7)" }
        try rows.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        var source = CorpusSource(paths: [path], csv: .numbers([3]))
        source.labels = LabelSource(columns: [.init("class=1"), .init("other=2")])
        var settings = Settings(corpus: source)
        (settings.batching, settings.cell, settings.layers, settings.hiddenSize) = (batching, .gru, 1, 12)
        (settings.batchSize, settings.time, settings.epochs, settings.learningRate) = (8, 16, 3, 0.01)
        if batching == .windows { settings.stride = 4 }
        return settings
    }

    @Test(
        "a training that was stopped and resumed gives the same checkpoint",
        arguments: [Settings.Batching.streams, .windows])
    func resumption(batching: Settings.Batching) throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, batching)
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            _ = try whole.train()
            let part = RunFolder(path: folder.path + "/part")
            var updates = 0
            _ = try TrainingRun(settings, folder: part).train(shouldStop: {
                updates += 1
                return updates > 20
            })
            _ = try TrainingRun(resuming: part).train()
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: part.lastCheckpointPath))
                    == Data(contentsOf: URL(fileURLWithPath: whole.folder.lastCheckpointPath)))
            let checkpoint = try Checkpoint(path: part.lastCheckpointPath)
            #expect(checkpoint.labels?.columns.map(\.labels) == [["x", "y"], ["a", "b"]])
        }
    }

    @Test("a text whose labels have changed is not the one that the training began with")
    func changedLabels() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder)
            let run = RunFolder(path: folder.path + "/run")
            _ = try TrainingRun(settings, folder: run).train(shouldStop: { true })
            #expect(throws: TrainingError.corpusChanged) {
                _ = try TrainingRun(resuming: run) { $0.corpus.labels?.names = ["x": "z"] }
            }
            #expect(throws: TrainingError.corpusChanged) {
                _ = try TrainingRun(resuming: run) { $0.corpus.labels = nil }
            }
        }
    }

    @Test("a training from a model with labels keeps their states by name, and needs labels")
    func initialModel() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder)
            let first = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/first"))
            _ = try first.train()
            let initial = try InitialModel(path: first.folder.path)
            settings.corpus.labels?.names = ["x": "z", "b": "c"]
            let second = try TrainingRun(
                reading: settings.corpus, folder: RunFolder(path: folder.path + "/second"), startingFrom: initial
            ) { _, _ in settings }
            func row(_ run: TrainingRun, _ label: String, _ column: Int) throws -> [Float] {
                let labels = try #require(run.labels)
                let number = try #require(labels.label(named: Array(label.utf8), in: column))
                let tensor = run.network.parameters.tensor(run.shape.labelHidden)
                return Array(tensor[(labels.row(of: number, in: column) * 12)...].prefix(12))
            }
            #expect(try row(second, "y", 0) == row(first, "y", 0))
            #expect(try row(second, "a", 1) == row(first, "a", 1))
            #expect(try row(second, "z", 0) == [Float](repeating: 0, count: 12))
            #expect(try row(first, "x", 0) != [Float](repeating: 0, count: 12))

            settings.corpus.labels = nil
            #expect(throws: TrainingError.labelsMissing) {
                _ = try TrainingRun(
                    reading: settings.corpus, folder: RunFolder(path: folder.path + "/third"), startingFrom: initial
                ) { _, _ in settings }
            }
            settings.carriesDocuments = true
            settings.corpus = try self.settings(folder).corpus
            #expect(throws: TrainingError.labelsCarried) {
                _ = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/fourth"))
            }
        }
    }
}
