import CAPI
import CChargen
import Core
import Foundation
import TestSupport
import Testing

@Suite("Loading a model")
struct LoadingTests {
    /// The status of loading bytes, and whether a model came of it.
    private func load(_ bytes: [UInt8]) -> (chargen_status, isLoaded: Bool) {
        // Not NULL, to see that a failure makes it so.
        var model = OpaquePointer(bitPattern: 1)
        let status = chargen_model_load_memory(bytes, bytes.count, &model)
        let isLoaded = model != nil
        chargen_model_free(model)
        return (status, isLoaded)
    }

    @Test("A file and the same bytes in memory give the same text")
    func fileAndMemory() throws {
        let bytes = try randomModel(.lstm)
        let fromMemory = CSession(CModel(bytes)).symbols(50)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("é.cgw").path
            #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
            var model: OpaquePointer?
            #expect(chargen_model_load_file(path, &model) == CHARGEN_OK)
            var session: OpaquePointer?
            #expect(chargen_session_create(model, &session) == CHARGEN_OK)
            chargen_model_free(model)
            var characters: [UInt32] = []
            for _ in 0..<50 {
                var character: UInt32 = 0
                #expect(chargen_session_next(session, &character) == CHARGEN_OK)
                characters.append(character)
            }
            chargen_session_free(session)
            #expect(characters == fromMemory)
        }
    }

    /// The status of loading what a descriptor gives, and the session of the model.
    private func load(descriptor: Int32) -> (chargen_status, CSession?) {
        var model = OpaquePointer(bitPattern: 1)
        let status = chargen_model_load_descriptor(descriptor, &model)
        defer { chargen_model_free(model) }
        return (status, model.map { CSession(handle: $0) })
    }

    /// Calls `body` with a descriptor of a file, which stands at its end.
    private func withFile(_ bytes: [UInt8], _ body: (Int32) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let descriptor = open(folder.appendingPathComponent("model").path, O_CREAT | O_RDWR, 0o600)
            #expect(descriptor >= 0 && write(descriptor, bytes, bytes.count) == bytes.count)
            try body(descriptor)
            // It has stayed open.
            #expect(close(descriptor) == 0)
        }
    }

    /// The status of loading bytes that come through a pipe.
    private func loadThroughPipe(_ bytes: [UInt8], chunk: Int) async throws -> (chargen_status, [UInt32]?) {
        var ends: [Int32] = [0, 0]
        #expect(Glibc.pipe(&ends) == 0)
        let (output, input) = (ends[0], ends[1])
        signal(SIGPIPE, SIG_IGN)
        let writer = Thread {
            var place = 0
            while place < bytes.count {
                let written = bytes.withUnsafeBytes {
                    write(input, $0.baseAddress.map { $0 + place }, min(chunk, bytes.count - place))
                }
                // The reader may have seen enough.
                guard written > 0 else { break }
                place += written
            }
            close(input)
        }
        writer.start()
        let (status, session) = load(descriptor: output)
        close(output)
        return (status, session?.symbols(50))
    }

    @Test("A descriptor is read from its present place to its end, and stays open")
    func descriptor() throws {
        let bytes = try randomModel(.lstm)
        let expected = CSession(CModel(bytes)).symbols(50)
        try withFile([1, 2, 3] + bytes) { descriptor in
            #expect(lseek(descriptor, 3, SEEK_SET) == 3)
            let (status, session) = load(descriptor: descriptor)
            #expect(status == CHARGEN_OK)
            #expect(session?.symbols(50) == expected)
            #expect(lseek(descriptor, 0, SEEK_CUR) == 3 + bytes.count)
            // Nothing is left of it.
            #expect(load(descriptor: descriptor).0 == CHARGEN_INVALID_MODEL)
            #expect(errorMessage().hasPrefix("descriptor \(descriptor): not a chargen model"))
            #expect(lseek(descriptor, 0, SEEK_SET) == 0)
            #expect(load(descriptor: descriptor).0 == CHARGEN_INVALID_MODEL)
        }
    }

    @Test("A pipe is read until it is closed, whatever the pieces that come", arguments: [1, 7, 4096, .max])
    func pipe(chunk: Int) async throws {
        let bytes = try randomModel(.gru)
        let (status, symbols) = try await loadThroughPipe(bytes, chunk: chunk)
        #expect(status == CHARGEN_OK)
        #expect(symbols == CSession(CModel(bytes)).symbols(50))
    }

    @Test("A model of several megabytes comes whole, one that goes on after its end is refused")
    func largePipe() async throws {
        let bytes = try randomModel(.rnn, layers: 1, hiddenSize: 1000)
        #expect(bytes.count > 3 << 20)
        #expect(try await loadThroughPipe(bytes, chunk: 60_000).0 == CHARGEN_OK)
        let endless = bytes + [UInt8](repeating: 0, count: 9 << 20)
        #expect(try await loadThroughPipe(endless, chunk: .max).0 == CHARGEN_INVALID_MODEL)
        #expect(errorMessage().contains("the header says \(bytes.count) bytes, the file has more"))
    }

    @Test("What has no end is refused once it is no model")
    func devices() {
        let zeros = open("/dev/zero", O_RDONLY)
        #expect(load(descriptor: zeros).0 == CHARGEN_INVALID_MODEL)
        close(zeros)
        var model: OpaquePointer?
        #expect(chargen_model_load_file("/dev/zero", &model) == CHARGEN_INVALID_MODEL)
    }

    @Test("Of a file whose header is wrong, no more than the header is read")
    func header() throws {
        let bytes = try randomModel(.rnn, layers: 1, hiddenSize: 1000)
        let headerLength = Int(bytes[12]) | Int(bytes[13]) << 8
        for (place, words) in [(16, "has more"), (16 + 4, "header checksum"), (60, "header checksum")] {
            var bytes = bytes
            bytes[place] ^= 1
            try withFile(bytes) { descriptor in
                // Holes without a block on the disk: longer than memory.
                #expect(ftruncate(descriptor, 1 << 42) == 0 && lseek(descriptor, 0, SEEK_SET) == 0)
                #expect(load(descriptor: descriptor).0 == CHARGEN_INVALID_MODEL)
                #expect(errorMessage().contains(words) || place == 16, "\(errorMessage())")
                #expect(lseek(descriptor, 0, SEEK_CUR) == headerLength)
            }
        }
    }

    @Test("A descriptor that cannot be read is refused with the system's reason")
    func badDescriptors() throws {
        let folder = open("/", O_RDONLY)
        #expect(load(descriptor: folder).0 == CHARGEN_FILE_ACCESS)
        #expect(errorMessage().contains("Is a directory"))
        close(folder)
        for descriptor in [-1, Int32.min, Int32.max] {
            #expect(load(descriptor: descriptor).0 == CHARGEN_FILE_ACCESS)
            #expect(errorMessage() == "cannot read the model from descriptor \(descriptor): Bad file descriptor")
        }
        var ends: [Int32] = [0, 0]
        #expect(Glibc.pipe(&ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        #expect(load(descriptor: ends[0]).0 == CHARGEN_FILE_ACCESS)
        // That end cannot be read.
        #expect(load(descriptor: ends[1]).0 == CHARGEN_FILE_ACCESS)
        for end in ends { close(end) }
        #expect(chargen_model_load_descriptor(0, nil) == CHARGEN_INVALID_ARGUMENT)
    }

    @Test("The bytes may be changed and freed after loading")
    func bytesAreCopied() throws {
        let bytes = try randomModel(.gru)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        var model: OpaquePointer?
        #expect(chargen_model_load_memory(copy.baseAddress, copy.count, &model) == CHARGEN_OK)
        copy.initializeMemory(as: UInt8.self, repeating: 0xFF)
        copy.deallocate()
        var session: OpaquePointer?
        #expect(chargen_session_create(model, &session) == CHARGEN_OK)
        var character: UInt32 = 0
        #expect(chargen_session_next(session, &character) == CHARGEN_OK)
        #expect(character == CSession(CModel(bytes)).next())
        chargen_session_free(session)
        chargen_model_free(model)
    }

    @Test("A missing file is named, with the system's reason")
    func missingFile() {
        var model = OpaquePointer(bitPattern: 1)
        #expect(chargen_model_load_file("/no/such/model.cgw", &model) == CHARGEN_FILE_ACCESS)
        #expect(model == nil)
        #expect(errorMessage().contains("/no/such/model.cgw"))
        #expect(errorMessage().contains("No such file or directory"))
    }

    @Test("A folder is no model file")
    func folder() {
        var model: OpaquePointer?
        #expect(chargen_model_load_file("/", &model) == CHARGEN_FILE_ACCESS)
        #expect(errorMessage().contains("Is a directory"))
    }

    @Test("A pipe with a name is refused at once")
    func namedPipe() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/pipe"
            #expect(mkfifo(path, 0o666) == 0)
            var model: OpaquePointer?
            #expect(chargen_model_load_file(path, &model) == CHARGEN_FILE_ACCESS)
            #expect(errorMessage().hasSuffix("pipe': it is not a file"), "\(errorMessage())")
        }
    }

    @Test("A file cut at any length is refused")
    func truncated() throws {
        let bytes = try randomModel(.rnn, layers: 1, hiddenSize: 3)
        for length in 0..<bytes.count {
            #expect(load(Array(bytes[..<length])) == (status(CHARGEN_INVALID_MODEL), false), "\(length) bytes")
        }
    }

    @Test("A file with any one bit changed is refused")
    func altered() throws {
        var bytes = try randomModel(.rnn, layers: 1, hiddenSize: 3)
        for index in bytes.indices {
            bytes[index] ^= UInt8(1 << (index % 8))
            let (status, isLoaded) = load(bytes)
            #expect(status == CHARGEN_INVALID_MODEL || status == CHARGEN_UNSUPPORTED_VERSION, "byte \(index)")
            #expect(!isLoaded)
            bytes[index] ^= UInt8(1 << (index % 8))
        }
    }

    @Test("No bytes are no model, with a pointer or without")
    func noBytes() {
        #expect(load([]) == (status(CHARGEN_INVALID_MODEL), false))
        var model: OpaquePointer?
        #expect(chargen_model_load_memory("", 0, &model) == CHARGEN_INVALID_MODEL)
    }

    @Test("Missing and impossible arguments are named")
    func arguments() throws {
        var model = OpaquePointer(bitPattern: 1)
        #expect(chargen_model_load_file(nil, &model) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'path' is NULL")
        #expect(model == nil)
        #expect(chargen_model_load_file("model.cgw", nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'model' is NULL")

        let bytes = try randomModel(.rnn)
        model = OpaquePointer(bitPattern: 1)
        #expect(chargen_model_load_memory(nil, 1, &model) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'bytes' is NULL")
        #expect(model == nil)
        #expect(chargen_model_load_memory(bytes, bytes.count, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'model' is NULL")
        #expect(chargen_model_load_memory(bytes, Int(bitPattern: UInt.max), &model) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'length' is larger than any object can be")
    }

    @Test("An unknown backend in the environment is refused, and the message lists the known ones")
    func unsupportedBackend() async {
        await #expect(processExitsWith: .success) {
            setenv("CHARGEN_BACKEND", "abacus", 1)
            let bytes = try randomModel(.rnn)
            var model: OpaquePointer?
            precondition(chargen_model_load_memory(bytes, bytes.count, &model) == CHARGEN_UNSUPPORTED_BACKEND)
            precondition(model == nil && errorMessage().contains("portable"))
        }
    }

    @Test("The environment forces a backend; set to nothing, it forces none")
    func forcedBackend() async {
        await #expect(processExitsWith: .success) {
            setenv("CHARGEN_BACKEND", "", 1)
            let free = try CModel(.lstm)
            setenv("CHARGEN_BACKEND", "portable", 1)
            let forced = try CModel(.lstm)
            precondition(free.handle != nil)
            precondition(String(cString: chargen_model_backend(forced.handle)) == "portable")
            precondition(CSession(forced).symbols(50) == CSession(free).symbols(50))
        }
    }
}
