print("secret")
