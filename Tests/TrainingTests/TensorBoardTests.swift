import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("TensorBoard event files")
struct TensorBoardTests {
    private let reports = [
        Report(
            epoch: 1, update: 300, loss: 2, trainingLoss: 2.25, runningLoss: 3, validationLoss: nil,
            learningRate: 0.002, charactersPerSecond: 1000, seconds: 2.5),
        Report(
            epoch: 2, update: 600, loss: 2, trainingLoss: 1.75, runningLoss: 3, validationLoss: 1.875,
            learningRate: 0.001, charactersPerSecond: 1200.5, seconds: 4),
    ]

    @Test("CRC-32C gives the standard's values")
    func checksum() {
        #expect(TFRecord.checksum(Array("123456789".utf8)) == 0xE306_9283)
        // RFC 3720, B.4: 32 bytes of zeros, and 32 of ones.
        #expect(TFRecord.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(TFRecord.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    }

    @Test("have the bytes that TensorBoard's own writer gives")
    func bytes() {
        // tensorboard 2.21.0: RecordWriter of four Events, of the version, of the start, and of the
        // reports.
        let expected = """
            1800000000000000a37f4b22090000000000208f401a0d627261696e2e4576656e743a32c3a5ef990d000000000000003c37b83409\
            0000000000208f403a0208016e3c146d4800000000000000fe92489d090000000000348f4010ac022a3a0a140a0d6c6f73732f7472\
            61696e696e6715000010400a140a0d6c6561726e696e672072617465156f12033b0a0c0a0573706565641500007a44bbb103186000\
            0000000000002821c6da090000000000408f4010d8042a520a140a0d6c6f73732f747261696e696e67150000e03f0a160a0f6c6f73\
            732f76616c69646174696f6e150000f03f0a140a0d6c6561726e696e672072617465156f12833a0a0c0a0573706565641500109644\
            0bbb2550
            """
        let bytes = TensorBoardLog.contents(reports, at: 1000)
        #expect(bytes.map { String(format: "%02x", $0) }.joined() == expected)
    }

    @Test("have the loss on each text that is validated on")
    func texts() {
        var report = reports[1]
        report.validationLosses = [TextLoss(text: "a.txt", loss: 1.875), TextLoss(text: "b.txt", loss: 2)]
        let bytes = TensorBoardLog.contents([report], at: 1000)
        for tag in ["loss/validation/a.txt", "loss/validation/b.txt"] {
            #expect(bytes.firstRange(of: Array(tag.utf8)) != nil)
        }
    }

    @Test("a resumed run's file has each step of the run once, whatever was there before")
    func resumed() throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder.appendingPathComponent("run").path)
            try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
            let board = folder.appendingPathComponent("board")
            let subfolder = board.appendingPathComponent("run")
            let log = try TensorBoardLog(folder: board.path, run: run)
            for report in reports { try log.append(report) }
            #expect(try steps(in: subfolder) == [300, 600])

            // Killed: the first report alone belongs to the checkpoint.
            try run.append(reports[0])
            try Data().write(to: subfolder.appendingPathComponent("events.out.tfevents.1.chargen"))
            try Data().write(to: subfolder.appendingPathComponent("events.out.tfevents.1.other"))
            let resumed = try TensorBoardLog(folder: board.path, run: run)
            #expect(try steps(in: subfolder) == [300])
            try resumed.append(reports[1])
            #expect(try steps(in: subfolder) == [300, 600])
            #expect(FileManager.default.fileExists(atPath: subfolder.path + "/events.out.tfevents.1.other"))
        }
    }

    /// The steps of the one event file of chargen in a folder.
    private func steps(in folder: URL) throws -> [Int] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".chargen") }
        let name = try #require(names.first)
        #expect(names.count == 1)
        var rest = try Data(contentsOf: folder.appendingPathComponent(name))[...]
        var steps: [Int] = []
        while rest.count >= 16 {
            let length = rest.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
            let event = Array(rest.dropFirst(12).prefix(length))
            // After the time, nine bytes, the step is field 2: two bytes from 128 to 16,383.
            if event[9] == 0x10 { steps.append(Int(event[10] & 0x7F) + Int(event[11]) << 7) }
            rest = rest.dropFirst(16 + length)
        }
        #expect(rest.isEmpty)
        return steps
    }

    @Test("a folder that cannot be made is an error that names it")
    func unwritable() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file")
            try Data().write(to: file)
            let error = #expect(throws: TrainingError.self) {
                _ = try TensorBoardLog(folder: file.path, run: RunFolder(path: folder.path + "/run"))
            }
            #expect(error?.description.contains(file.path) == true)
        }
    }
}
