import Foundation

/// A text that the model of a run generated during the training.
public struct Sample: Codable, Equatable, Sendable {
    /// The number of updates before it.
    public let update: Int
    /// The prompt and what the model made of it.
    public let text: String

    /// A text generated after a number of updates.
    public init(update: Int, text: String) {
        self.update = update
        self.text = text
    }
}

/// The samples of a run, a line of JSON each in `samples.jsonl`.
extension RunFolder {
    private var samplesPath: String { path + "/samples.jsonl" }

    /// Appends a sample; the lines before it are not written again.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public func append(_ sample: Sample) throws {
        try OutputFile(samplesPath, O_CREAT).append(line(of: sample))
    }

    private func line(of sample: Sample) throws -> Data {
        try JSON.data(sample) + [0x0A]
    }

    /// Keeps the samples that were made before a checkpoint, and removes the later ones, which a
    /// resumed training makes again, and a line that is torn by a kill.
    ///
    /// - Parameter progress: The checkpoint's.
    /// - Throws: ``TrainingError``.
    func cutSamples(to progress: Progress) throws {
        guard FileManager.default.fileExists(atPath: samplesPath) else { return }
        let kept = try samples().filter { $0.update <= progress.updates }
        try AtomicFile.write(try kept.flatMap(line), to: samplesPath)
    }

    /// The samples in the order in which they were made; none if the training stored none.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when they cannot be read.
    public func samples() throws -> [Sample] {
        try values(at: samplesPath)
    }

    /// The values of a file with a line of JSON each, lines that are not such values left out; none
    /// if there is no such file.
    func values<Value: Decodable>(at path: String) throws -> [Value] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw TrainingError.invalidRun(
                path: self.path, "\((path as NSString).lastPathComponent) cannot be read")
        }
        let decoder = JSONDecoder()
        return contents.split(separator: 0x0A).compactMap { try? decoder.decode(Value.self, from: $0) }
    }
}
