using BatchViz.Api;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Recording.Export;
using BatchViz.Recordings;
using BatchViz.Training;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using static BatchViz.Core.Language;

namespace BatchViz.Web;

/// <summary>Recordings out and in over plain HTTP, for owners. What is wrong is one sentence.</summary>
public static class RecordingsApi
{
    /// <summary>Bytes of a .bviz that is taken in.</summary>
    public const long MostImported = 2L << 30;

    /// <param name="folderOf">The folder of a recording by its id; null where there is none.</param>
    /// <param name="root">The folder in which recordings taken in become folders, whose names are their ids.</param>
    public static void MapRecordings(this IEndpointRouteBuilder app, Func<string, string?> folderOf, string root, DataFiles data)
    {
        var api = app.MapGroup("/api/recordings").RequireAuthorization(Access.Owner);
        api.MapGet(
            "/{id}/export/{format}",
            (HttpContext http, string id, string format, string? run, long? update, int? batches) =>
                Export(http, folderOf(id), () => ExportRequest.Of(format, run, update, batches), data, root)
        );
        api.MapPost("/import", (HttpContext http) => Import(http, root));
    }

    private static async Task Export(HttpContext http, string? folder, Func<ExportRequest> read, DataFiles data, string root)
    {
        if (folder is null)
        {
            await Say(http, StatusCodes.Status404NotFound, Tr("There is no such recording.", "没有该录制。"));
            return;
        }
        try
        {
            var request = read();
            // Whatever can fail has been done before the first byte is sent: what begins with 200 is whole.
            using var export = await OnOwnThread(() => new RecordingExport(folder, request, data, trusted: false));
            await using var whole = await OnOwnThread(() => Written(export, root, http.RequestAborted));
            string name = request.NameFor(SafeName(export.Name)) + (request.IsFile ? "" : ".zip");
            var headers = http.Response.GetTypedHeaders();
            http.Response.ContentType =
                request.To == ExportFormat.Html ? "text/html; charset=utf-8"
                : request.IsFile ? "application/octet-stream"
                : "application/zip";
            headers.ContentDisposition = new ContentDispositionHeaderValue("attachment") { FileName = name };
            headers.CacheControl = new CacheControlHeaderValue { NoStore = true };
            http.Response.ContentLength = whole.Length;
            await whole.CopyToAsync(http.Response.Body, http.RequestAborted);
        }
        catch (RefusedException e) when (!http.Response.HasStarted)
        {
            await Say(http, StatusCodes.Status400BadRequest, e.Message);
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException
                && !http.Response.HasStarted
                && !http.RequestAborted.IsCancellationRequested
            )
        {
            await Say(
                http,
                StatusCodes.Status500InternalServerError,
                Tr($"The export cannot be written: {e.Message.TrimEnd('.')}.", $"无法写入导出文件：{e.Message.TrimEnd('.')}。")
            );
        }
        catch (Exception e) when (e is RefusedException or IOException or OperationCanceledException)
        {
            http.Abort(); // the browser shows a download that is not whole as failed
        }
    }

    /// <summary>The export in a file that is gone when it is closed, beside the recordings: where they fit, it does.</summary>
    private static FileStream Written(RecordingExport export, string root, CancellationToken cancel)
    {
        Directory.CreateDirectory(root);
        var file = new FileStream(
            Path.Combine(root, $".{Guid.NewGuid():N}.exporting"),
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 1 << 16,
                Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
            }
        );
        try
        {
            export.WriteTo(file, null, cancel);
            file.Position = 0;
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static async Task Import(HttpContext http, string root)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = MostImported;
        AllowBlocking(http);
        string id = $"imported-{Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8))}";
        try
        {
            Directory.CreateDirectory(root);
            var manifest = await OnOwnThread(() => Bviz.Read(http.Request.Body, Path.Combine(root, id), null, http.RequestAborted));
            await http.Response.WriteAsJsonAsync(new ImportedRecording(id, manifest.Name), ApiContext.Default.ImportedRecording);
        }
        catch (RefusedException e)
        {
            await Say(http, StatusCodes.Status400BadRequest, e.Message);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await Say(
                http,
                StatusCodes.Status413PayloadTooLarge,
                Tr(
                    $"The file has more than {MostImported:#,0} bytes, which is the most that is taken in here; use \"batchviz import\".",
                    $"文件超过 {MostImported:#,0} 字节，这是此处可导入的上限；请使用 \"batchviz import\"。"
                )
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !http.RequestAborted.IsCancellationRequested)
        {
            await Say(
                http,
                StatusCodes.Status500InternalServerError,
                Tr($"The recording cannot be written: {e.Message.TrimEnd('.')}.", $"无法写入录制：{e.Message.TrimEnd('.')}。")
            );
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            http.Abort();
        }
    }

    /// <summary>Long work that waits for disks and slow readers: not on the server's own threads, and behind them.</summary>
    private static Task<T> OnOwnThread<T>(Func<T> work) =>
        Task.Factory.StartNew(
            () =>
            {
                LaneClock.YieldToOthers(nice: 5);
                return work();
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    private static void AllowBlocking(HttpContext http)
    {
        if (http.Features.Get<IHttpBodyControlFeature>() is { } control)
            control.AllowSynchronousIO = true;
    }

    /// <summary>A recording's name as part of a file's: letters, digits and hyphens.</summary>
    private static string SafeName(string name)
    {
        string plain = string.Join(
            '-',
            new string([.. name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries)
        );
        return plain.Length switch
        {
            0 => "recording",
            > 60 => plain[..60],
            _ => plain,
        };
    }

    private static Task Say(HttpContext http, int status, string sentence)
    {
        http.Response.Headers.Remove(HeaderNames.ContentDisposition);
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync(sentence);
    }
}
