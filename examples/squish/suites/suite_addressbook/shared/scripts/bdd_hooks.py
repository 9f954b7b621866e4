@OnScenarioEnd
def hook(context):
    for application in applicationContextList():
        application.detach()
