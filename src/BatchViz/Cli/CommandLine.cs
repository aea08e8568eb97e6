using System.CommandLine;
using BatchViz.Core.Specs;
using BatchViz.Engine.Torch;

namespace BatchViz.Cli;

/// <summary>
/// The commands of <c>batchviz</c>; each lives in a file of its own. Exit codes: 0 done, 1 failed while running, 2 refused input.
/// </summary>
public static class CommandLine
{
    public const int Done = 0,
        Failed = 1,
        Refused = 2;

    /// <summary>Of every command, since any may open a recording that TorchSharp made.</summary>
    private static readonly Option<string?> LibTorchOption = new("--libtorch")
    {
        Description =
            $"The folder with libtorch {LibTorchSearch.Version}, or \"{LibTorchSearch.OfPython}\" for that of Python's PyTorch "
            + $"({LibTorchSearch.Variable}).",
        Recursive = true,
    };

    public static async Task<int> Run(string[] args)
    {
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count > 0)
            return Refuse(parsed.Errors[0].Message);
        // Before any command looks for it.
        if (parsed.GetValue(LibTorchOption) is { } place)
            LibTorch.Search = LibTorch.Search with { Asked = place };
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    public static RootCommand Root()
    {
        var root = new RootCommand("BatchViz shows what batch size does to training.");
        root.Options.Add(LibTorchOption);
        ServeCommand.AddTo(root);
        RunCommand.AddTo(root);
        ResumeCommand.AddTo(root);
        ReplayCommand.AddTo(root);
        ForkCommand.AddTo(root);
        ExportCommand.AddTo(root);
        ImportCommand.AddTo(root);
        PicturesCommand.AddTo(root);
        EnginesCommand.AddTo(root);
        LaterCommands.AddTo(root);
        return root;
    }

    /// <summary>Does a command's work; a refusal becomes one sentence on standard error.</summary>
    internal static async Task<int> Guard(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (RefusedException e)
        {
            return Refuse(e.Message);
        }
        catch (OperationCanceledException)
        {
            return Failed;
        }
        catch (OutOfMemoryException)
        {
            Console.Error.WriteLine("This needs more memory than there is.");
            return Failed;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"Something went wrong that should not have: {e.Message}");
            return Failed;
        }
    }

    internal static int Refuse(string sentence)
    {
        Console.Error.WriteLine(sentence);
        return Refused;
    }
}
