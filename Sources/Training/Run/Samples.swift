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
    /// Appends a sample; the lines before it are not written again.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public func append(_ sample: Sample) throws {
        try OutputFile(File.samples, in: opened(), O_CREAT).append(line(of: sample))
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
        guard let contents = try contents(of: File.samples) else { return }
        let decoder = JSONDecoder()
        var kept = Data()
        for line in contents.split(separator: 0x0A) {
            if let sample = try? decoder.decode(Sample.self, from: line) {
                guard sample.update <= progress.updates else { continue }
            } else if line.endIndex == contents.endIndex {
                // Torn.
                continue
            }
            kept += line + [0x0A]
        }
        if kept != contents { try opened().write(kept, to: File.samples) }
    }

    /// The samples in the order in which they were made; none if the training stored none.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when they cannot be read.
    public func samples() throws -> [Sample] {
        try values(in: File.samples)
    }

    /// The bytes of a file; nil if there is none.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when it cannot be read.
    func contents(of name: String) throws(TrainingError) -> Data? {
        let folder = try opened()
        do throws(SystemError) {
            return try folder.read(name)
        } catch {
            guard error.number != ENOENT else { return nil }
            throw .invalidRun(path: path, "\(name) cannot be read: \(error.reason)")
        }
    }

    /// The values of a file with a line of JSON each, lines that are not such values left out; none
    /// if there is no such file.
    func values<Value: Decodable>(in name: String) throws -> [Value] {
        guard let contents = try contents(of: name) else { return [] }
        let decoder = JSONDecoder()
        return contents.split(separator: 0x0A).compactMap { try? decoder.decode(Value.self, from: $0) }
    }
}
