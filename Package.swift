// swift-tools-version: 6.3

import PackageDescription

// The trait `Embedded` switches the modules behind libchargen.so to Embedded Swift, so that the
// library contains no Swift runtime. Without it every module builds as ordinary Swift, for
// `trainer` and the tests.

/// With `CHARGEN_WARNINGS=error`, as in the project's own tests, every warning is an error.
/// Otherwise a newer compiler with more warnings still builds chargen.
let warnings: [SwiftSetting] =
    Context.environment["CHARGEN_WARNINGS"] == "error" ? [.treatAllWarnings(as: .error)] : []

/// What the package is built for: `x86_64`, `aarch64` or `wasm32`. The Makefile says it where that
/// is not this machine's processor.
#if arch(arm64)
    let thisProcessor = "aarch64"
#else
    let thisProcessor = "x86_64"
#endif
let processor = Context.environment["CHARGEN_PROCESSOR"] ?? thisProcessor

/// WebAssembly is loaded from afar and compiled at each visit: where no time is spent, size counts.
let small: [SwiftSetting] = processor == "wasm32" ? [.unsafeFlags(["-Osize"])] : []

/// Settings of the modules that end up in libchargen.so.
let library: [SwiftSetting] =
    warnings + [
        .enableExperimentalFeature("Embedded", .when(traits: ["Embedded"])),
        // Embedded Swift compiles a module as a whole, and specialises every generic it uses.
        .unsafeFlags(["-wmo"], .when(traits: ["Embedded"])),
        // One section per function, so that the linker can drop the unused ones.
        .unsafeFlags(["-Xfrontend", "-function-sections"], .when(traits: ["Embedded"])),
        // The tests run with these checks, which cost nanoseconds at each character.
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(traits: ["Embedded"])),
    ]

/// Settings of the modules that do arithmetic: optimised in debug builds too, because unoptimised
/// SIMD, and the tests with it, would be some hundred times slower.
let arithmetic: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// The same kernels, compiled for an extended instruction set: the folder is a symbolic
/// link to `Kernels`. Swift's code generation follows the flags `-Xcc -m…`. The source tests
/// `conditions` for the instruction set.
func kernels(_ name: String, _ conditions: [String], _ flags: [String]) -> Target {
    .target(
        name: name,
        dependencies: ["CIntrinsics", "Core"],
        path: "Sources/\(name)",
        swiftSettings: library + arithmetic + conditions.map { .define($0) }
            + [.unsafeFlags(flags.flatMap { ["-Xcc", $0] })])
}

/// Every processor has the portable kernels.
let kernelModules: [Target] =
    [.target(name: "Kernels", dependencies: ["CIntrinsics", "Core"], swiftSettings: library + arithmetic)]
    + (processor == "x86_64"
        ? [
            // AVX2 and FMA (2013 and later).
            kernels("KernelsAVX2", ["AVX2"], ["-march=x86-64-v3"]),
            // AVX-512 F, BW, CD, DQ and VL, and the integer dot product VNNI. Without the last flag
            // vectors would be split into halves.
            kernels("KernelsAVX512", ["AVX512"], ["-march=x86-64-v4", "-mavx512vnni", "-mprefer-vector-width=512"]),
            // AVX-512 BF16, for training in bfloat16.
            kernels(
                "KernelsAVX512BF16", ["AVX512", "AVX512BF16"],
                ["-march=x86-64-v4", "-mavx512vnni", "-mavx512bf16", "-mprefer-vector-width=512"]),
        ] : [])
    + (processor == "aarch64"
        // The integer dot product (ARMv8.2, 2016; in most processors since 2018).
        ? [kernels("KernelsDotProduct", ["DOTPROD"], ["-march=armv8.2-a+dotprod"])] : [])

/// Descriptors instead of `__tls_get_addr`, for which the library would need glibc's loader by
/// name: musl's is another. Elsewhere they are the default.
let threadLocal: [CSetting] =
    processor == "x86_64" ? [.unsafeFlags(["-mtls-dialect=gnu2"], .when(traits: ["Embedded"]))] : []
/// Says that the library runs with a shadow stack, so that the processor may use one.
let shadowStack = processor == "x86_64" ? ["-Xlinker", "-z", "-Xlinker", "shstk"] : []

let package = Package(
    name: "chargen",
    products: [
        .executable(name: "trainer", targets: ["Trainer"]),
        .library(name: "InferenceEngine", targets: ["InferenceEngine"]),
        .library(name: "chargen", type: .dynamic, targets: ["CAPI"]),
    ],
    traits: [
        .trait(
            name: "Embedded", description: "Build libchargen.so in Embedded Swift."),
        .trait(name: "SharedZstd", description: "Link the system's shared zstd library."),
        .trait(name: "StaticZstd", description: "Link zstd's archive, so that the system needs no zstd."),
        // `--traits` replaces the default.
        .default(enabledTraits: ["SharedZstd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
    ],
    targets: kernelModules + [
        // The types of the kernel tables, and intrinsics for the kernels.
        .target(name: "CIntrinsics"),
        // libc for the modules that cannot import Foundation, and zstd, which libchargen.so does
        // without.
        .target(
            name: "CSupport",
            cSettings: threadLocal + [.define("CHARGEN_EMBEDDED", .when(traits: ["Embedded"]))],
            linkerSettings: [
                .linkedLibrary("zstd", .when(traits: ["SharedZstd"])),
                .linkedLibrary(":libzstd.a", .when(traits: ["StaticZstd"])),
                .linkedLibrary("m"),
            ]),
        // include/chargen.h as a module.
        .target(name: "CChargen", dependencies: ["CSupport"]),

        // What every module stands on.
        .target(name: "Core", dependencies: ["CSupport"], swiftSettings: library + small),
        .target(
            name: "KernelDispatch",
            dependencies: ["CIntrinsics", "CSupport", "Core"] + kernelModules.map { .init(stringLiteral: $0.name) },
            swiftSettings: library + arithmetic),
        .target(name: "ModelFormat", dependencies: ["CSupport", "Core"], swiftSettings: library + small),
        .target(name: "ThreadPool", dependencies: ["CSupport", "Core"], swiftSettings: library + arithmetic),
        .target(
            name: "InferenceEngine",
            dependencies: [
                "CIntrinsics", "CSupport", "Core", "KernelDispatch", "Kernels", "ModelFormat", "ThreadPool",
            ],
            swiftSettings: library + arithmetic + small),
        .target(
            name: "CAPI",
            dependencies: ["CChargen", "CSupport", "Core", "InferenceEngine", "KernelDispatch", "ModelFormat"],
            exclude: ["exports.map"],
            // Without loops that matter.
            swiftSettings: library + [.unsafeFlags(["-Osize"], .when(traits: ["Embedded"]))],
            linkerSettings: [
                .unsafeFlags(
                    [
                        // gold, the default, keeps local names in the table of dynamic symbols.
                        "-use-ld=lld",
                        // Export chargen_* and nothing else.
                        "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/CAPI/exports.map",
                        "-Xlinker", "-soname=libchargen.so.2",
                        // Drop what nothing reaches; refuse undefined symbols; bind all at load,
                        // then read-only.
                        "-Xlinker", "--gc-sections", "-Xlinker", "-z", "-Xlinker", "defs",
                        "-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now",
                        // Swift's allocations go through Sources/CSupport/Memory.c.
                        "-Xlinker", "--wrap=posix_memalign", "-Xlinker", "--wrap=free",
                        // dlclose() must not unmap the code of a session's threads.
                        "-Xlinker", "-z", "-Xlinker", "nodelete",
                        // The library needs no symbol table or debug information.
                        "-Xlinker", "-s",
                    ] + shadowStack, .when(traits: ["Embedded"]))
            ]),
        .target(
            name: "Training",
            dependencies: [
                "CIntrinsics", "CSupport", "Core", "KernelDispatch", "Kernels", "ModelFormat", "ThreadPool",
                .product(name: "SwiftCSV", package: "SwiftCSV"),
            ],
            swiftSettings: arithmetic),
        .target(name: "CTrainer", dependencies: ["CSupport"], linkerSettings: [.linkedLibrary("stdc++")]),
        .executableTarget(
            name: "Trainer",
            dependencies: [
                "CSupport", "CTrainer", "Core", "InferenceEngine", "ModelFormat", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            // Within the program, so that it remains one file.
            resources: [.embedInCode("Report/page.css")],
            // Allocations go through Sources/CTrainer.
            linkerSettings: [
                .unsafeFlags(
                    ["malloc", "calloc", "realloc", "posix_memalign", "strdup"].flatMap {
                        ["-Xlinker", "--wrap=\($0)"]
                    })
            ]),

        // Writes the models that the benchmarks run.
        .executableTarget(
            name: "benchmark-models", dependencies: ["Core", "ModelFormat"], path: "Benchmarks/Models"),

        // What several test targets share: small random models, temporary folders.
        .target(name: "TestSupport", dependencies: ["Core", "ModelFormat"], path: "Tests/TestSupport"),
        .testTarget(name: "CoreTests", dependencies: ["Core"]),
        .testTarget(name: "KernelsTests", dependencies: ["CIntrinsics", "Core", "KernelDispatch", "Kernels"]),
        .testTarget(name: "ModelFormatTests", dependencies: ["CSupport", "Core", "ModelFormat", "TestSupport"]),
        .testTarget(
            name: "InferenceEngineTests",
            dependencies: ["Core", "InferenceEngine", "KernelDispatch", "ModelFormat", "TestSupport"]),
        .testTarget(
            name: "CAPITests",
            dependencies: [
                "CAPI", "CChargen", "Core", "InferenceEngine", "KernelDispatch", "ModelFormat", "TestSupport",
            ]),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["CSupport", "Core", "KernelDispatch", "ModelFormat", "TestSupport", "Training"],
            resources: [.copy("Fixtures")]),
        // Training and the engine, which never import each other, held together.
        .testTarget(
            name: "ParityTests",
            dependencies: [
                "CChargen", "Core", "InferenceEngine", "KernelDispatch", "ModelFormat", "TestSupport", "Training",
            ]),
        // The built command, as a user runs it.
        .testTarget(
            name: "TrainerTests",
            dependencies: ["Core", "InferenceEngine", "ModelFormat", "TestSupport", "Trainer", "Training"]),
    ],
    swiftLanguageModes: [.v6]
)

// With `CHARGEN_FUZZ`, the program of `make fuzz`, which is linked with libFuzzer.
if Context.environment["CHARGEN_FUZZ"] != nil {
    package.targets += [
        .target(
            name: "FuzzTargets",
            dependencies: ["Core", "InferenceEngine", "ModelFormat", "TestSupport", "Training"],
            path: "Tests/Fuzz/Targets"),
        // In C, because libFuzzer has the function main().
        .executableTarget(name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver"),
    ]
}

// With `CHARGEN_CONFORMANCE`, what `make conformance` hashes, part by part.
if Context.environment["CHARGEN_CONFORMANCE"] != nil {
    package.targets.append(
        .target(
            name: "ConformanceFunctions",
            dependencies: ["CIntrinsics", "Core", "InferenceEngine", "KernelDispatch", "ModelFormat"],
            path: "Tests/Conformance/Functions", swiftSettings: library))
}
