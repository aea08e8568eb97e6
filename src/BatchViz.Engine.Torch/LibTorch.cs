using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TorchSharp;
using static BatchViz.Core.Language;

namespace BatchViz.Engine.Torch;

/// <summary>
/// The libtorch of this process: found by <see cref="LibTorchSearch"/>, loaded once, when the first engine wants it, and before anything of
/// TorchSharp is touched. Its libraries are loaded one by one from their folder; those that link to them are then satisfied wherever
/// they lie.
/// </summary>
public static class LibTorch
{
    private const string Bindings = "LibTorchSharp";

    private static readonly Lock Loading = new();
    private static LibTorchSearch search = new();
    private static IReadOnlyList<LibTorchPlace>? places;
    private static bool tried;
    private static (string English, string Chinese)? problem;

    /// <summary>Where to look. Set at the start of the program, since what is loaded stays.</summary>
    public static LibTorchSearch Search
    {
        get => search;
        set
        {
            lock (Loading)
            {
                if (tried)
                    throw new InvalidOperationException("libtorch has been loaded already");
                (search, places) = (value, null);
            }
        }
    }

    /// <summary>Where it was looked for; nothing is loaded.</summary>
    public static IReadOnlyList<LibTorchPlace> Places
    {
        get
        {
            lock (Loading)
                return places ??= search.Look();
        }
    }

    /// <summary>The folder with its libraries; null: there is none that will do.</summary>
    public static string? Folder => Places[^1].Folder;

    /// <summary>Whether it is one for CUDA, and this machine has NVIDIA's driver; nothing of libtorch is loaded.</summary>
    public static bool MayHaveCuda => ForCuda && HasDriver;

    /// <summary>Whether the libtorch that was found is one for CUDA.</summary>
    public static bool ForCuda => Folder is { } folder && File.Exists(Path.Combine(folder, LibTorchSearch.FileOf("torch_cuda")));

    /// <summary>Whether this machine has NVIDIA's driver.</summary>
    public static bool HasDriver
    {
        get
        {
            if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint driver))
                return false;
            NativeLibrary.Free(driver);
            return true;
        }
    }

    /// <summary>Of the libtorch that has been loaded; null before.</summary>
    public static string? Version { get; private set; }

    /// <summary>Loads it, the first time; why it cannot be, in one sentence, or null.</summary>
    public static string? WhyNot()
    {
        var looked = Places;
        lock (Loading)
        {
            if (!tried)
                problem = looked[^1].Folder is { } folder ? Load(folder) : Missing(looked);
            tried = true;
            return problem is var (english, chinese) ? Tr(english, chinese) : null;
        }
    }

    private static (string English, string Chinese) Missing(IReadOnlyList<LibTorchPlace> looked) =>
        looked.Count == 1
            ? Unfit(looked[0].Place, looked[0].Said)
            : ("There is no libtorch beside the program or in NuGet's folder.", "程序旁边与 NuGet 文件夹中都没有 libtorch。");

    private static (string English, string Chinese) Unfit(string place, (string English, string Chinese) why) =>
        ($"libtorch cannot be taken from {place}: {why.English}.", $"无法从 {place} 取得 libtorch：{why.Chinese}。");

    private static (string English, string Chinese)? Load(string folder)
    {
        nint core = 0;
        try
        {
            // What libtorch itself links to, where it is brought along under a name of its own.
            foreach (string threads in OperatingSystem.IsLinux() ? Directory.GetFiles(folder, "libgomp*") : [])
                NativeLibrary.Load(threads);
            foreach (string library in LibTorchSearch.Libraries)
            {
                nint loaded = NativeLibrary.Load(Path.Combine(folder, library));
                if (library == LibTorchSearch.FileOf("c10"))
                    LogErrorsOnly(loaded);
                if (library != LibTorchSearch.FileOf("torch_cpu"))
                    continue;
                core = loaded;
                Version = VersionOf(loaded);
                if (!LibTorchSearch.Fits(Version))
                    return Unfit(folder, LibTorchSearch.WrongVersion(Version));
            }
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or IOException or UnauthorizedAccessException)
        {
            return ($"libtorch in {folder} cannot be loaded: {FirstLine(e)}.", $"无法载入 {folder} 中的 libtorch：{FirstLine(e)}。");
        }
        if (LoadBindings() is var (english, chinese))
            return ($"TorchSharp's own library cannot be loaded: {english}.", $"无法载入 TorchSharp 自己的库：{chinese}。");
        try
        {
            // The first of all calls.
            torch.zeros(1).Dispose();
            return OneDnn.Check(core)
                ? null
                : ("libtorch's convolutions compute wrong numbers on this processor.", "libtorch 的卷积在此处理器上算出错误的数值。");
        }
        catch (Exception e)
            when (e
                    is TypeInitializationException
                        or DllNotFoundException
                        or NotSupportedException
                        or BadImageFormatException
                        or EntryPointNotFoundException
            )
        {
            string why = FirstLine(e.InnerException ?? e);
            return (
                $"TorchSharp cannot work with the libtorch in {folder}: {why}.",
                $"TorchSharp 无法使用 {folder} 中的 libtorch：{why}。"
            );
        }
    }

    /// <summary>
    /// What fails comes as an exception. Warnings are for libtorch's developers: where NNPACK does not know the processor, they
    /// are a line on standard error for every convolution.
    /// </summary>
    private static unsafe void LogErrorsOnly(nint c10)
    {
        const int error = 2; // c10::GLOG_ERROR
        if (NativeLibrary.TryGetExport(c10, "FLAGS_caffe2_log_level", out nint level))
            *(int*)level = error;
    }

    /// <summary>Of the library itself, in its highest three bytes; those that cannot say are older.</summary>
    private static unsafe string VersionOf(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "aoti_torch_abi_version", out nint export))
            return "< 2.10";
        ulong version = ((delegate* unmanaged<ulong>)export)();
        return $"{version >> 56}.{version >> 48 & 0xff}.{version >> 40 & 0xff}";
    }

    /// <summary>TorchSharp's native part; on systems with an older libstdc++ a copy of it that does not ask for more than it
    /// uses.</summary>
    /// <returns>Why it cannot be loaded, in half a sentence, or null.</returns>
    private static (string English, string Chinese)? LoadBindings()
    {
        string name = LibTorchSearch.FileOf(Bindings);
        string here = AppContext.BaseDirectory,
            packed = Path.Combine(here, "runtimes", LibTorchSearch.SystemId, "native", name);
        string? file = new[] { packed, Path.Combine(here, name) }.FirstOrDefault(File.Exists);
        if (file is null)
            return ($"TorchSharp has none for {LibTorchSearch.SystemId}", $"TorchSharp 没有 {LibTorchSearch.SystemId} 的库");
        try
        {
            NativeLibrary.Load(file);
            return null;
        }
        catch (DllNotFoundException e)
            when (OperatingSystem.IsLinux() && e.Message.Contains(WeakVersionNeed.Version, StringComparison.Ordinal))
        {
            return LoadCopy(file);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return (FirstLine(e), FirstLine(e));
        }
    }

    private static (string English, string Chinese)? LoadCopy(string file)
    {
        var (english, chinese) = (
            $"it wants {WeakVersionNeed.Version} (libstdc++ of GCC 13 or later), which this system does not have",
            $"它需要 {WeakVersionNeed.Version}（GCC 13 或更新的 libstdc++），而此系统没有"
        );
        try
        {
            byte[] library = File.ReadAllBytes(file);
            if (WeakVersionNeed.Mark(library) is { } why)
                return ($"{english}, and cannot do without: {why}", $"{chinese}，且不可缺少：{why}");
            NativeLibrary.Load(Kept(library));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException or BadImageFormatException)
        {
            return ($"{english}; {FirstLine(e)}", $"{chinese}；{FirstLine(e)}");
        }
    }

    /// <summary>A file with these bytes in a folder of this user's, and where that cannot be written, in one for this process.</summary>
    private static string Kept(byte[] library)
    {
        string name = LibTorchSearch.FileOf(Bindings),
            data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        string folder = Path.Combine(
            data.Length > 0 ? data : Path.GetTempPath(),
            "batchviz",
            "native",
            Convert.ToHexStringLower(SHA256.HashData(library))[..16]
        );
        string file = Path.Combine(folder, name);
        if (data.Length > 0)
        {
            try
            {
                if (File.Exists(file) && library.AsSpan().SequenceEqual(File.ReadAllBytes(file)))
                    return file;
                Directory.CreateDirectory(folder);
                string draft = $"{file}.{Environment.ProcessId}";
                File.WriteAllBytes(draft, library);
                File.Move(draft, file, overwrite: true);
                return file;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A home that cannot be written.
            }
        }
        file = Path.Combine(Directory.CreateTempSubdirectory("batchviz-").FullName, name);
        File.WriteAllBytes(file, library);
        return file;
    }

    private static string FirstLine(Exception e) => e.Message.Split('\n')[0].Trim().TrimEnd('.');
}
